"""That the sampling benchmark compares what it says it compares."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from benchmarks.sampling_speed import compare_scores, report, take_turns
from benchmarks.schedules import Recorded, Sampled, ceiling, ours, published
from genius_bench.corpora import load_corpus
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import CorpusSection, EngineSection
from genius_bench.rows import Query
from genius_bench.sampling.foresight_options import ForesightOptions
from trainers.genius import Genius

METHOD = Genius(ForesightOptions(steps=2))


class Watched(Recorded):
    """Notes in which order requests come and answers go."""

    def __init__(self, engine: HFEngine) -> None:
        super().__init__(engine)
        self.events: list[tuple[str, Request]] = []

    async def generate(self, request: Request) -> Completion:
        self.events.append(("asked", request))
        completion = await super().generate(request)
        self.events.append(("answered", request))
        return completion


@pytest.fixture(scope="module")
def engine() -> HFEngine:
    return HFEngine(MODEL_PATH, EngineSection())


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    return list(load_corpus(CorpusSection(queries=3)).queries)


def sampled(way: Callable[..., Awaitable[Sampled]], *arguments: Any) -> Sampled:
    async def run() -> Sampled:
        return await way(*arguments)

    return asyncio.run(run())


def test_the_published_schedule_makes_one_call_for_steps_and_then_one_for_look_aheads(
    engine: HFEngine, queries: list[Query]
) -> None:
    watched = Watched(engine)
    found = sampled(published, watched, queries, METHOD, 0)
    groups = [[event[1] for event in group] for _, group in groupby(watched.events, lambda event: event[0])]
    calls, answers = groups[::2], groups[1::2]
    assert [len(call) for call in calls] == [len(answer) for answer in answers], (
        "a call waits for its last answer"
    )
    assert found.calls == len(calls)
    assert all(len({request.stop for request in call}) == 1 for call in calls), "steps or look-aheads"
    assert all(request.then is None for call in calls for request in call), "nothing is asked ahead"
    kinds = ["steps" if "\n" in call[0].stop else "look-aheads" for call in calls]
    rollouts = METHOD.options.beam_size * METHOD.options.rollouts
    assert kinds[:2] == ["steps", "look-aheads"]
    assert len(calls[0]) == rollouts
    starts = [call[0].prompt_ids[:12] for call in calls]
    assert all(
        request.prompt_ids[:12] == start
        for call, start in zip(calls, starts, strict=True)
        for request in call
    )
    assert len(list(groupby(starts))) == len(queries), "a query after the other"


def test_schedules_with_one_seed_have_the_same_scores(engine: HFEngine, queries: list[Query]) -> None:
    one, other = (sampled(way, engine, queries, METHOD, 5) for way in (ours, published))
    assert one.tokens == other.tokens > 0
    for a, b in zip(one.scores, other.scores, strict=True):
        assert [len(step) for step in a] == [len(step) for step in b]
        np.testing.assert_allclose(np.concatenate(a), np.concatenate(b), atol=1e-4)


def test_the_ceiling_generates_the_same_tokens(engine: HFEngine, queries: list[Query]) -> None:
    first = sampled(ours, engine, queries, METHOD, 5)
    again = sampled(ceiling, engine, first.requests)
    assert sorted(again.sizes) == sorted(first.sizes)
    assert all(request.then or not request.stop for request in first.requests)


def test_a_run_is_reported(engine: HFEngine, queries: list[Query]) -> None:
    method = Genius(ForesightOptions(steps=1))
    forgotten = 0

    async def forget() -> None:
        nonlocal forgotten
        forgotten += 1

    found = asyncio.run(take_turns(engine, queries[:1], 2, forget, method))
    assert forgotten == 8
    told = report(found, 1)
    assert told["ours"]["queries_per_second"] > 0
    seconds = zip(told["published"]["seconds"], told["ours"]["seconds"], strict=True)
    np.testing.assert_allclose(
        told["times_the_published_schedule"]["runs"], [b / a for b, a in seconds], rtol=0.1
    )
    assert told["scores"]["scores"] == [16, 16]
    assert told["scores"]["queries_with_equal_scores"] == 2


def test_other_scores_are_seen() -> None:
    random = np.random.default_rng(2)
    level = random.normal(0, 1, 100)

    def scores(shift: float, changed: int) -> list[list[list[float]]]:
        return [
            [list(mean + shift * (number < changed) + np.arange(8) / 8)] for number, mean in enumerate(level)
        ]

    same = compare_scores([scores(0, 0)], [scores(0.00001, 100)])
    assert (same["queries_with_equal_scores"], same["queries"]) == (100, 100)
    assert same["p"] > 0.99
    few = compare_scores([scores(0, 0)], [scores(0.1, 7)])
    assert few["queries_with_equal_scores"] == 93
    assert few["p"] > 0.05, "seven other queries do not change a distribution"
    assert compare_scores([scores(0, 0)], [scores(0.5, 100)])["p"] < 0.001
