"""An engine that is tried for a limited time: how long it takes to open, and how fast it is while it is full."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from genius_bench.engines.interface import Completion, Engine, Request, RereadingEngine
from genius_bench.planning.calibration import SECONDS, Numbers, measuring
from genius_bench.recipe import EngineSection


class Asked(NamedTuple):
    """A request: when it was asked and answered (seconds), and the tokens of its answer."""

    begun: float
    ended: float
    tokens: int


@dataclass(frozen=True)
class Trial:
    """An open engine. Nothing is answered after `deadline` (by `time.monotonic`)."""

    engine: Engine
    opening_seconds: float
    deadline: float
    peak_bytes: Callable[[], int]

    def numbers(self, requests: Sequence[Asked]) -> Numbers:
        speed, tail = speed_of(requests)
        return {
            "tokens_per_second": speed,
            "tail_seconds": tail,
            "opening_seconds": self.opening_seconds,
            "peak_bytes": self.peak_bytes(),
        }


@contextmanager
def on_trial(open_engine: Callable[[], Engine]) -> Iterator[Trial]:
    with measuring() as peak:
        begun = time.monotonic()
        engine = open_engine()
        opened = time.monotonic()
        try:
            yield Trial(engine, opened - begun, opened + SECONDS, peak)
        finally:
            engine.close()


def one_engine(settings: EngineSection) -> EngineSection:
    """Of the engines that Ray spreads the work over, one."""
    return settings.model_copy(update={"name": settings.generator, "workers": None})


@dataclass
class Meter:
    """The engine of a trial, for somebody whose requests are remembered: when which tokens came.

    Raises `TimeoutError` for answers that do not come in time, and is `late` then.
    """

    trial: Trial
    requests: list[Asked] = field(default_factory=list)
    outstanding: int = 0
    longest: int = 0
    """Tokens of the longest prompt with its answer."""
    late: bool = False

    def __post_init__(self) -> None:
        engine = self.trial.engine
        self.name, self.context_length, self.tokenizer = engine.name, engine.context_length, engine.tokenizer

    async def generate(self, request: Request) -> Completion:
        begun = time.monotonic()
        self.outstanding += 1
        try:
            async with asyncio.timeout(max(0.0, self.trial.deadline - begun)):
                completion = await self.trial.engine.generate(request)
        except TimeoutError:
            self.late = True
            raise
        finally:
            self.outstanding -= 1
        tokens = completion.completion_tokens + (completion.then.completion_tokens if completion.then else 0)
        self.requests.append(Asked(begun, time.monotonic(), tokens))
        self.longest = max(self.longest, len(request.prompt_ids) + tokens)
        return completion

    async def reread(self, request: Request, completion: Completion) -> Completion:
        assert isinstance(self.trial.engine, RereadingEngine)  # whoever samples sees to it
        return await self.trial.engine.reread(request, completion)

    def close(self) -> None:
        """The engine is the trial's to close."""


def speed_of(requests: Sequence[Asked]) -> tuple[float, float]:
    """Tokens per second until half of the requests were answered, and how many seconds more than at that speed the last
    answers took: every run has such an end once. Those not answered by then count as far as they had come."""
    if not requests:  # a method that samples nothing
        return 0.0, 0.0
    start, end = min(one.begun for one in requests), max(one.ended for one in requests)
    half = sorted(one.ended for one in requests)[(len(requests) - 1) // 2]
    early = sum(one.tokens * _share(one, half) for one in requests)
    speed = early / max(half - start, 1e-9)
    whole = sum(one.tokens for one in requests) / speed
    return speed, max(0.0, end - start - whole)


def with_every_end(requests: Sequence[Asked]) -> Numbers:
    """For work that comes in steps as large as these requests, each of which ends with its last answer."""
    seconds = max(one.ended for one in requests) - min(one.begun for one in requests)
    return {
        "tokens_per_second": sum(one.tokens for one in requests) / max(seconds, 1e-9),
        "tail_seconds": 0.0,
    }


def _share(one: Asked, moment: float) -> float:
    """Of an answer that was there at `moment`."""
    if one.ended <= moment:
        return 1.0
    return max(0.0, (moment - one.begun) / (one.ended - one.begun))
