"""SIGKILL in the middle of every method: what was on disk stays, nothing is lost, nothing comes twice."""

import asyncio
import multiprocessing
import random
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.interface import Completion, Request
from genius_bench.rows import Message, Query
from genius_bench.sampling import collecting
from genius_bench.sampling.shelf import SHARD_QUERIES
from tests.sampling.scripted import ScriptedEngine
from tests.trainers.support import FEW

METHODS = [
    *("coh", "genius", "placebo", "scpo", "self-rewarding", "sft", "spin", "star"),
    *("certainty", "crest", "dpo-st", "iterative-rpo", "sharpening"),
    *("lmsi", "meta-rewarding", "rest-em", "self-explore"),
]
FIRST_THAT_SAMPLES = {"dpo-st": 2}
"""Iterations before it are made as well, at once."""
QUERIES = 96
KILLS = 4


def talkative(text: str, random: np.random.Generator) -> tuple[str, float]:
    if "Two judges" in text:
        return f"Winner: {random.choice(['A', 'B'])}", -0.5
    mood = "bad" if "unhelpful" in text else "good"
    step = int(random.integers(9))
    return f"{mood} {step}\nScore: {step % 6}\nThe answer is {int(random.random() < 0.3)}.", -0.1 * (1 + step)


class SlowEngine(ScriptedEngine):
    """Takes its time, so that there is a middle to be killed in."""

    def __init__(self, seconds: float) -> None:
        super().__init__(talkative)
        self._seconds = seconds

    async def generate(self, request: Request) -> Completion:
        await asyncio.sleep(self._seconds)
        return await super().generate(request)


def query(number: int) -> Query:
    messages = (Message(role="user", content=f"{number}?"),)
    return Query(id=f"q{number:03d}", messages=messages, reference=f"It is {number}.", answer="1")


def collect(home: Path, name: str, seconds: float = 0.0) -> Artifact:
    [point] = entry_points(group="genius_bench.methods", name=name)
    method = point.load()
    made: list[Artifact] = []
    for iteration in range(1, FIRST_THAT_SAMPLES.get(name, 1) + 1):
        collection = collecting.collect(
            Store(home),
            method(method.Options(**FEW.get(name, {}))),
            corpus=Corpus(name="test", queries=[query(number) for number in range(QUERIES)]),
            policy_fingerprint="policy",
            open_engine=lambda: SlowEngine(seconds),
            seed=0,
            iteration=iteration,
            earlier=made,
            queries_in_flight=8,
        )
        made = [*made, collection]
    return collecting.training_set(Store(home), made[-1])


def rows_of(home: Path, name: str) -> list[dict[str, Any]]:
    return list(collect(home, name).rows())


@pytest.fixture(scope="module")
def forks() -> Any:
    """Processes that start at once: the slow imports are done when they fork."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "trainers.genius", "trainers.scpo", "sklearn.cluster"])
    return context


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_killed_at_random_moments(tmp_path: Path, forks: Any, name: str) -> None:
    chance = random.Random(name)
    stored = []
    for _ in range(KILLS):
        process = forks.Process(target=collect, args=(tmp_path / "killed", name, 0.01))
        process.start()
        shards = set(tmp_path.glob("killed/artifacts/collection/*/rows/*.parquet"))
        while process.is_alive() and shards == set(
            tmp_path.glob("killed/artifacts/collection/*/rows/*.parquet")
        ):
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        process.join()
        stored.append(len(list(tmp_path.glob("killed/artifacts/collection/*/rows/*.parquet"))))
    whole = FIRST_THAT_SAMPLES.get(name, 1) * QUERIES / SHARD_QUERIES
    assert name == "sft" or 0 < stored[0] < whole, "killed in the middle"
    assert rows_of(tmp_path / "killed", name) == rows_of(tmp_path / "undisturbed", name)
