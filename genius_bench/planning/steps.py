"""The stages of a plan: what each asks for, takes and leaves on disk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from genius_bench.planning.amounts import NOTHING, Amount

Kind = Literal["sample", "optimise", "evaluate"]
State = Literal["found", "begun", "to make", "planned above"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """What work asks for. Tokens and requests; bytes on disk; seconds by the clock, and over all devices."""

    requests: Amount = NOTHING
    read: Amount = NOTHING
    sampled: Amount = NOTHING
    judged: Amount = NOTHING
    trained: Amount = NOTHING
    stored: Amount = NOTHING
    seconds: Amount = NOTHING
    device_seconds: Amount = NOTHING
    judge_calls: Amount = NOTHING
    judge_tokens: Amount = NOTHING
    """Read and written by the judge."""
    judge_cost: Amount = NOTHING
    """In the currency of the recipe's prices."""

    @property
    def amounts(self) -> dict[str, Amount]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __add__(self, other: "Load") -> "Load":
        return Load(**{name: amount + other.amounts[name] for name, amount in self.amounts.items()})

    def __mul__(self, times: Amount) -> "Load":
        return Load(**{name: one * times if one.value else one for name, one in self.amounts.items()})

    def lasting(self, seconds: Amount, devices: int) -> "Load":
        """So much longer, on all devices."""
        return self + Load(seconds=seconds, device_seconds=seconds * devices)

    def as_json(self) -> dict[str, Any]:
        return {name: amount.as_json() for name, amount in self.amounts.items()}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of one kind of work. `rate` is tokens per second and device, None where nobody knows it.

    `opening` passes before it starts; `ending` is what the last ones take beyond that rate.
    """

    rate: Amount | None
    opening: Amount = NOTHING
    ending: Amount = NOTHING
    peak_bytes: Amount | None = None
    complete: bool = True
    """Whether the calibration came to its end, not to the end of its time."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage. Equal keys are equal work; `timed` is False where nobody knows how long it takes."""

    kind: Kind
    key: str
    state: State
    iteration: int = 0
    model: str = ""
    task: str = ""
    load: Load = Load()
    timed: bool = True

    def taking(self, load: Load, tokens: Amount, speed: Speed, devices: int) -> "Step":
        """With a load, and the time that `tokens` take."""
        if not tokens.value:
            return replace(self, load=load)
        if speed.rate is None:
            return replace(self, load=load, timed=False)
        seconds = tokens / (speed.rate * devices) + speed.opening + speed.ending
        return replace(self, load=load.lasting(seconds, devices))

    def as_json(self) -> dict[str, Any]:
        names = ("kind", "key", "state", "iteration", "model", "task", "timed")
        return {name: getattr(self, name) for name in names} | self.load.as_json()


def without_repetition(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, of which those with a key that came before cost nothing more."""
    known: set[str] = set()
    for step in steps:
        if step.key in known and step.state != "found":
            yield replace(step, state="planned above", load=Load(), timed=True)
        else:
            yield step
        known.add(step.key)
