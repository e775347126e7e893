"""The first queries of a recipe through its own method and engine, with as much in flight as in the run."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from genius_bench.engines import open_engine
from genius_bench.engines.loading import ModelFiles
from genius_bench.engines.rereading import with_rereading
from genius_bench.errors import GeniusBenchError
from genius_bench.method import Collected, Method
from genius_bench.online.conditions import queries_a_step
from genius_bench.online.rollouts import draw
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.calibration import SECONDS, Numbers
from genius_bench.planning.survey import examples_of, first_queries
from genius_bench.planning.trial import Meter, Trial, on_trial, one_engine, with_every_end
from genius_bench.resolution import Resolved
from genius_bench.rows import Query
from genius_bench.sampling.collecting import collected_row
from genius_bench.sampling.policy import Policy
from genius_bench.shards import write_shard

if TYPE_CHECKING:
    from genius_bench.training.examples import Example

Result = Collected | list[dict[str, Any]]
"""What a method makes of a query, or the rollouts to it that an online method would be trained on."""
FEWEST = 8
"""Queries whose numbers are averaged, at least."""
ROWS_KEPT = 64
"""Training rows that are handed on, for the calibration of training."""
TURNS = 8
"""Of the event loop, in which a query has asked all that it asks at first."""


@dataclass
class Sampled:
    """One query of the calibration. `meter` saw its requests alone; no result in time is None."""

    query: Query
    meter: Meter
    policy: Policy
    task: "asyncio.Task[Result | None]"


def calibrate_sampling(resolved: Resolved, base: ModelFiles) -> Numbers:
    """What a query takes on average, and what the engine does a second. For a process of its own.

    Raises `GeniusBenchError` when not one query has been finished in time.
    """
    settings = one_engine(resolved.recipe.engine)
    in_flight = max(4, settings.max_batch // 2) * settings.copies  # as the collect stage has it
    queries = first_queries(resolved, base, in_flight)
    most = settings.max_batch * settings.copies
    if isinstance(method := resolved.method, OnlineMethod):  # which waits for the last answer of every step
        most = min(most, queries_a_step(resolved.recipe.training, method) * _requests(method))
    with on_trial(lambda: with_rereading(open_engine(base, settings), base.path)) as trial:
        sampled = asyncio.run(_try(trial, resolved, queries, most))
        used, collected = _averaged(sampled)
        numbers = _averages(used, collected, resolved, base)
        complete = all(one.task.result() for one in sampled)
        requests = [request for one in sampled for request in one.meter.requests]
        numbers |= trial.numbers(requests) | {"complete": complete}
        return numbers | with_every_end(requests) if isinstance(method, OnlineMethod) else numbers


async def _try(trial: Trial, resolved: Resolved, queries: Sequence[Query], max_batch: int) -> list[Sampled]:
    """As many queries as fill the engine, by what the first ones ask at a time."""

    def begin(query: Query) -> Sampled:
        meter = Meter(trial)
        policy = Policy(meter, resolved.recipe.seed)
        task = asyncio.ensure_future(_collect(resolved.method, query, meter, policy))
        return Sampled(query, meter, policy, task)

    sampled = [begin(query) for query in queries[:FEWEST]]
    for _ in range(TURNS):
        await asyncio.sleep(0)
    at_once = sum(one.meter.outstanding for one in sampled) / len(sampled)
    filling = round(max_batch / max(at_once, 1))
    sampled += [begin(query) for query in queries[FEWEST : max(FEWEST, filling)]]
    await asyncio.gather(*(one.task for one in sampled))
    return sampled


async def _collect(method: Method, query: Query, meter: Meter, policy: Policy) -> Result | None:
    try:
        if isinstance(method, OnlineMethod):
            return await _rollouts(method, query, policy)
        return await method.collect(query, policy)
    except Exception:  # whatever a method makes of an answer that did not come
        if meter.late:
            return None
        raise


def _requests(method: OnlineMethod) -> int:
    """That are asked at once about a query."""
    wordings, asked = 1 + method.rephrases, 1 + (method.teacher_weight(0.0) is not None)
    return wordings * asked * method.options.responses


async def _rollouts(method: OnlineMethod, query: Query, policy: Policy) -> list[dict[str, Any]]:
    """As in a first step, before which a teacher is the policy; a query's other words are its own."""
    teacher = None if method.teacher_weight(0.0) is None else policy
    return await draw(method, policy, teacher, [query], 1, {query.id: query} if method.rephrases else {})


def _averaged(sampled: list[Sampled]) -> tuple[list[Sampled], list[Result]]:
    """The queries that were begun first, up to one that was not finished: those that happen to end first are the short
    ones. All that were finished, where these are too few."""
    finished = [one for one in sampled if one.task.result()]
    if not finished:
        raise GeniusBenchError(f"no query was finished within {SECONDS:.0f} s")
    unbroken = next((i for i, one in enumerate(sampled) if not one.task.result()), len(sampled))
    used = sampled[:unbroken] if unbroken >= min(FEWEST, len(sampled)) else finished
    return used, [result for one in used if (result := one.task.result())]


def _averages(used: list[Sampled], collected: list[Result], resolved: Resolved, base: ModelFiles) -> Numbers:
    counts = [one.policy.take_counts() for one in used]
    rows = [row for each in collected for row in _rows(each)]
    examples = _examples(rows, resolved, base) if rows else []
    sums = {
        "requests": sum(len(one.meter.requests) for one in used),
        "read": sum(count.get("tokens_read", 0) for count in counts),
        "sampled": sum(count.get("tokens_sampled", 0) for count in counts),
        "judged": sum(count.get("tokens_judged", 0) for count in counts),
        "stored": _stored_bytes([one.query for one in used], collected),
        "rows_trained": len(examples),
        "tokens_trained": sum(example.tokens for example in examples),
    }
    return {
        **{name: value / len(used) for name, value in sums.items()},
        "longest": max(one.meter.longest for one in used),
        "longest_row": max((example.longest_sequence for example in examples), default=0),
        "rows": rows[:ROWS_KEPT],
    }


def _rows(result: Result) -> list[dict[str, Any]]:
    return result if isinstance(result, list) else [vars(row) for row in result.rows]


def _examples(rows: list[dict[str, Any]], resolved: Resolved, base: ModelFiles) -> "list[Example]":
    """Those of the rows that would be trained on."""
    if not isinstance(resolved.method, OnlineMethod):
        return examples_of(rows, resolved, base, 1)
    from genius_bench.online.reading import examples_of as examples_of_rollouts

    group = resolved.method.options.group
    return examples_of_rollouts(
        [row for row in rows if row["number"] < group and row["finish_reason"] != "length"]
    )


def _stored_bytes(queries: list[Query], collected: list[Result]) -> int:
    """Of the collection and of the training set, or of the rollouts, written as the store does it."""
    with TemporaryDirectory() as folder:
        shards = Path(folder, "rows"), Path(folder, "collection")
        write_shard(shards[0], [row for each in collected for row in _rows(each)], {})
        whole = [
            collected_row(query, one)
            for query, one in zip(queries, collected, strict=True)
            if isinstance(one, Collected)
        ]
        write_shard(shards[1], whole, {})
        return sum(shard.stat().st_size for shard in shards)
