"""Three ways through one engine: our schedule, the published one, and a plain batch. `sampling_speed.py` says more."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.method import Collected
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from trainers.genius import Genius

TURNS = 16
"""Of the event loop: more than a query needs between the last answer that it waited for and its next requests."""

Scores = list[list[list[float]]]
"""f by query, step and candidate."""


@dataclass(frozen=True)
class Sampled:
    """What one way through the engine took, asked and gave."""

    seconds: float
    requests: list[Request]
    """Such as give the same tokens again: limited to their number, or as they were where they go on by themselves."""
    sizes: list[int]
    """Tokens that each gave."""
    scores: Scores
    calls: int = 1

    @property
    def tokens(self) -> int:
        return sum(self.sizes)


class Recorded:
    """An engine that remembers what it was asked and how many tokens it gave.

    With `apart`, it never goes on from a request to the next: each is asked by itself.
    """

    def __init__(self, engine: Engine, *, apart: bool = False) -> None:
        self._apart = apart
        self.tokenizer, self.name, self.context_length = engine.tokenizer, engine.name, engine.context_length
        self.requests: list[Request] = []
        self.sizes: list[int] = []
        self._engine = engine

    async def generate(self, request: Request) -> Completion:
        request = replace(request, then=None) if self._apart else request
        completion = await self._engine.generate(request)
        tokens = len(completion.token_ids)
        if completion.then is None:
            self.requests.append(replace(request, max_tokens=tokens, stop=(), then=None))
            self.sizes.append(tokens)
        else:
            self.requests.append(request)
            self.sizes.append(tokens + len(completion.then.token_ids))
        return completion

    def close(self) -> None:
        """The engine outlives its recordings."""


class CalledInTurns:
    """An engine that is called as the published script calls its own: all that can be asked at the time is one call,
    candidate steps never together with look-aheads, and nobody hears of an answer before the last one is there."""

    def __init__(self, engine: Engine, step_delimiter: str) -> None:
        self.tokenizer, self.name, self.context_length = engine.tokenizer, engine.name, engine.context_length
        self.calls = 0
        self._engine, self._step_delimiter = engine, step_delimiter
        self._asked: list[tuple[Request, asyncio.Future[Completion]]] = []
        self._calling: asyncio.Task[None] | None = None

    async def generate(self, request: Request) -> Completion:
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._asked.append((request, answer))
        if self._calling is None or self._calling.done():
            self._calling = asyncio.create_task(self._call())
        return await answer

    def close(self) -> None:
        """The engine outlives this."""

    async def _call(self) -> None:
        await _let_all_ask()
        while self._asked:
            steps = [asked for asked in self._asked if self._step_delimiter in asked[0].stop]
            call = steps or self._asked
            self._asked = [asked for asked in self._asked if asked not in call]
            self.calls += 1
            completions = await asyncio.gather(*[self._engine.generate(request) for request, _ in call])
            for (_, answer), completion in zip(call, completions, strict=True):
                answer.set_result(completion)
            await _let_all_ask()


async def _let_all_ask() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def ours(
    engine: Engine, queries: Sequence[Query], method: Genius, seed: int, *, apart: bool = False
) -> Sampled:
    """All queries at once. `apart`: without going on from a step to its look-ahead in one request."""
    recorded = Recorded(engine, apart=apart)
    policy = Policy(recorded, seed)
    start = time.perf_counter()
    collected = await asyncio.gather(*[method.collect(query, policy.for_one_query()) for query in queries])
    return Sampled(time.perf_counter() - start, recorded.requests, recorded.sizes, scores_of(collected))


async def published(engine: Engine, queries: Sequence[Query], method: Genius, seed: int) -> Sampled:
    """One query at a time, in calls that wait for all of their answers."""
    recorded = Recorded(engine, apart=True)
    called = CalledInTurns(recorded, method.options.step_delimiter)
    policy = Policy(called, seed)
    start = time.perf_counter()
    collected = [await method.collect(query, policy.for_one_query()) for query in queries]
    seconds = time.perf_counter() - start
    return Sampled(seconds, recorded.requests, recorded.sizes, scores_of(collected), called.calls)


async def ceiling(engine: Engine, requests: Sequence[Request]) -> Sampled:
    """A plain batch: nothing waits for anything."""
    recorded = Recorded(engine)
    start = time.perf_counter()
    await asyncio.gather(*map(recorded.generate, requests))
    return Sampled(time.perf_counter() - start, recorded.requests, recorded.sizes, [])


def scores_of(collected: Sequence[Collected]) -> Scores:
    """Without answers that were finished in an earlier step: they stand for themselves again, and are not scored."""
    return [
        [
            [one["score"] for one in step["candidates"] if one["step"] or not one["finished"]]
            for step in query.trace
        ]
        for query in collected
    ]
