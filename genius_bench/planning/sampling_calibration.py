"""The first queries of a recipe through its own method and engine, with as much in flight as in the run."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from genius_bench.engines import open_engine
from genius_bench.engines.interface import Completion, Request, RereadingEngine
from genius_bench.engines.loading import ModelFiles
from genius_bench.engines.rereading import with_rereading
from genius_bench.errors import GeniusBenchError
from genius_bench.method import Collected, Method
from genius_bench.planning.calibration import SECONDS, Numbers, ended_by_force, peak_memory
from genius_bench.planning.speed import Asked, speed_of
from genius_bench.planning.survey import first_queries, row_sizes
from genius_bench.recipe import EngineSection
from genius_bench.resolution import Resolved
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy

Row = dict[str, Any]

FEWEST = 8
"""Queries whose numbers are averaged, at least."""
ROWS_KEPT = 64
"""Training rows that are handed on, for the calibration of training."""
TURNS = 8
"""Of the event loop, in which a query has asked all that it asks at first."""


def calibrate_sampling(resolved: Resolved, base: ModelFiles) -> Numbers:
    """What a query takes on average, and what the engine does a second. For a process of its own.

    Raises `GeniusBenchError` when not one query has been finished in time.
    """
    settings = one_engine(resolved.recipe.engine)
    in_flight = max(4, settings.max_batch // 2) * settings.copies  # as the collect stage has it
    queries = first_queries(resolved, base, in_flight)
    with ended_by_force(), peak_memory() as peak:
        opened = time.monotonic()
        engine = with_rereading(open_engine(base, settings), base.path)
        opening = time.monotonic() - opened
        try:
            trial = asyncio.run(
                _try(
                    engine,
                    resolved.method,
                    queries,
                    resolved.recipe.seed,
                    settings.max_batch * settings.copies,
                )
            )
        finally:
            engine.close()
        numbers = trial.numbers(lambda rows: list(row_sizes(rows, resolved, base, 1)) if rows else [])
        return numbers | {"opening_seconds": opening, "peak_bytes": peak()}


def one_engine(settings: EngineSection) -> EngineSection:
    """Of the engines that Ray spreads the work over, one."""
    return settings.model_copy(update={"name": settings.generator, "workers": None})


@dataclass
class Meter:
    """An engine that remembers when which tokens came, and how much it is asked at a time."""

    engine: RereadingEngine
    asked: int = 0
    outstanding: int = 0
    longest: int = 0
    requests: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokenizer: Any = self.engine.tokenizer
        self.name, self.context_length = self.engine.name, self.engine.context_length

    async def generate(self, request: Request) -> Completion:
        self.asked += 1
        self.outstanding += 1
        begun = time.monotonic()
        try:
            completion = await self.engine.generate(request)
        finally:
            self.outstanding -= 1
        tokens = completion.completion_tokens + (completion.then.completion_tokens if completion.then else 0)
        self.requests.append(Asked(begun, time.monotonic(), tokens))
        self.longest = max(self.longest, len(request.prompt_ids) + tokens)
        return completion

    async def reread(self, request: Request, completion: Completion) -> Completion:
        return await self.engine.reread(request, completion)

    def close(self) -> None:
        """The engine is its owner's to close."""


@dataclass
class Sampled:
    """One query of the calibration. `meter` saw its requests alone."""

    query: Query
    meter: Meter
    policy: Policy
    task: "asyncio.Task[Collected]"

    @property
    def finished(self) -> bool:
        return self.task.done() and not self.task.cancelled()


@dataclass(frozen=True)
class Trial:
    sampled: list[Sampled]

    def numbers(self, sizes_of: Callable[[list[Row]], list[tuple[int, int]]]) -> Numbers:
        """Averages over the queries that were begun first: those that happen to end first are the short ones.

        `sizes_of` tells of the rows that would be trained on their tokens, and those of their longer sequence.
        """
        finished = [one for one in self.sampled if one.finished]
        if not finished:
            raise GeniusBenchError(f"no query was finished within {SECONDS:.0f} s")
        unbroken = next((i for i, one in enumerate(self.sampled) if not one.finished), len(self.sampled))
        used = self.sampled[:unbroken] if unbroken >= min(FEWEST, len(self.sampled)) else finished
        counts = [one.policy.take_counts() for one in used]
        collected = [one.task.result() for one in used]
        rows = [vars(row) for each in collected for row in each.rows]
        sizes = sizes_of(rows)
        speed = speed_of([request for one in self.sampled for request in one.meter.requests])

        def mean(total: float) -> float:
            return total / len(used)

        return {
            "queries": len(used),
            "requests": mean(sum(one.meter.asked for one in used)),
            **{
                name: mean(sum(count.get(name, 0) for count in counts))
                for name in ("tokens_read", "tokens_sampled", "tokens_judged")
            },
            "longest": max(one.meter.longest for one in used),
            "stored_bytes": mean(_stored_bytes(used, collected, rows)),
            "row_count": mean(len(sizes)),
            "tokens_trained": mean(sum(tokens for tokens, _ in sizes)),
            "longest_row": max((longest for _, longest in sizes), default=0),
            "rows": rows[:ROWS_KEPT],
            "complete": len(finished) == len(self.sampled),
            "tokens_per_second": speed.tokens_per_second,
            "tail_seconds": speed.tail,
        }


async def _try(
    engine: RereadingEngine, method: Method, queries: Sequence[Query], seed: int, max_batch: int
) -> Trial:
    sampled: list[Sampled] = []

    def begin(some: Sequence[Query]) -> None:
        for query in some:
            meter = Meter(engine)
            policy = Policy(meter, seed)
            sampled.append(
                Sampled(query, meter, policy, asyncio.ensure_future(method.collect(query, policy)))
            )

    begin(queries[:FEWEST])
    for _ in range(TURNS):
        await asyncio.sleep(0)
    at_once = sum(one.meter.outstanding for one in sampled) / len(sampled)
    begin(queries[FEWEST : max(FEWEST, round(max_batch / max(at_once, 1)))])
    tasks = [one.task for one in sampled]
    done, pending = await asyncio.wait(tasks, timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        if error := task.exception():
            raise error
    return Trial(sampled)


def _stored_bytes(used: list[Sampled], collected: list[Collected], rows: list[Row]) -> int:
    """Of the collection and of the training set, compressed as the store does it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = [
        {
            "id": one.query.id,
            "rows": json.dumps([vars(row) for row in each.rows]),
            "trace": json.dumps(each.trace, ensure_ascii=False),
        }
        for one, each in zip(used, collected, strict=True)
    ]
    size = 0
    for table in (kept, rows):
        if table:
            buffer = BytesIO()
            pq.write_table(pa.Table.from_pylist(table), buffer)
            size += buffer.tell()
    return size
