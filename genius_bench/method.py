"""What a self-training method is: how to make training rows from a query, and which objective eats them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from genius_bench.layers import Layer
from genius_bench.recipe import Section
from genius_bench.rows import Query, TrainingRow

if TYPE_CHECKING:
    from genius_bench.sampling.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a method made of one query.

    `trace` is a JSON value that shows how (for Genius the foresight tree); `notes` counts what was left out and why.
    """

    rows: list[TrainingRow]
    trace: Any = None
    notes: dict[str, int] = field(default_factory=dict)


class Work(NamedTuple):
    """At most how many responses per query an iteration samples, judges (in judgements) and trains on; on average
    where iterations differ."""

    sampled: float = 0.0
    judged: float = 0.0
    trained: float = 0.0

    @property
    def relative(self) -> float:
        """Operations in multiples of training on one response: reading or writing a token takes a third of that."""
        return (self.sampled + self.judged) / 3 + self.trained


class Method(ABC):
    """A plug-in: subclass this in one file and name it under the entry-point group `genius_bench.methods`."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """The paper."""
    group: ClassVar[str] = "others"
    """Where listings put it: "paper" (Genius and what it is compared with), "offline", "online", "controls"."""
    needs: frozenset[str] = frozenset()
    """Labels of the corpus that it is handed: "references", "answers", "pairs" (then the corpus is read as preference
    data). Others are removed before it sees a query.
    What the class says holds for the default options; an instance may say otherwise."""
    Options: ClassVar[type[Section]] = Section
    """The recipe's `sampling` section."""
    schedule: ClassVar[frozenset[str]] = frozenset()
    """Options about rounds, not about the rows of one (how many there are, …): changing them samples nothing again."""
    variants: ClassVar[dict[str, Layer]] = {"paper": {}}
    """Named recipes laid over the defaults; `paper` is the default one."""
    builds_on_earlier: ClassVar[bool] = False
    """Whether an iteration reads what earlier ones have collected of its query: `Policy.earlier`."""
    makes: ClassVar[frozenset[str]] = frozenset()
    """What its rows may be or hold where its presets' objectives do not show it: "pairs", "advantages"."""
    objectives: ClassVar[str] = "objectives"
    """The kind of plug-ins among which its objective is looked for."""
    objective: ClassVar[Layer] = {"name": "dpo"}
    """The recipe's default `objective` section."""
    training: ClassVar[Layer] = {}
    """Where the method's training differs from the shared settings."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @property
    def iterations(self) -> int:
        """Rounds of collect and optimise; each samples with the policy that the one before made.

        As many as the option of this name says, one where there is none.
        """
        rounds: int = getattr(self.options, "iterations", 1)
        return rounds

    @property
    def work(self) -> Work | None:
        """What an iteration asks for, for listings and plans; None when the plug-in does not say."""
        return None

    def restarts_from_base(self, iteration: int) -> bool:
        """Whether an iteration (1, 2, …) trains the base model anew instead of the latest policy.

        What it trains is also its reference; where it has not itself sampled the rows, `settings_of` says that their
        reference log-probabilities are recomputed.
        """
        return False

    def settings_of(self, iteration: int) -> Layer:
        """What an iteration (1, 2, …) changes in the recipe's `objective` and `training` sections.

        Where it names another objective than the recipe does, the recipe's parameters mean nothing to it.
        """
        return {}

    def factors_of(self, iteration: int) -> Layer:
        """What an iteration multiplies in these sections, so that a schedule follows whatever value was asked for."""
        return {}

    @abstractmethod
    async def collect(self, query: Query, policy: "Policy") -> Collected:
        """Training rows from one query. Hundreds of queries are collected at once; each advances by itself."""
