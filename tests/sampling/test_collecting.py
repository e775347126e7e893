"""The collect stage: labels are hidden, references recorded while sampling are right, kills lose nothing, and neither
files nor memory grow with the queries."""

import asyncio
import json
import math
import multiprocessing
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from genius_bench import sorting
from genius_bench.artifacts import Artifact, Build, Store
from genius_bench.corpora import Corpus
from genius_bench.corpora.queries import Queries
from genius_bench.engines.hf import HFEngine
from genius_bench.method import Collected, Method
from genius_bench.recipe import EngineSection, Section
from genius_bench.rows import Demonstration, Message, PreferencePair, Query
from genius_bench.sampling import shelf
from genius_bench.sampling.collecting import collect, training_set
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.shelf import Shelf
from tests.engines.conftest import build
from tests.sampling.scripted import ScriptedEngine
from trainers.genius import Genius

SHARDS = "killed/artifacts/collection/*/rows/*.parquet"
KILLED_QUERIES = 1000


class Nosy(Method):
    """Writes down everything that it is shown."""

    name = "nosy"
    title = "Nosy"
    source = "a test"

    async def collect(self, query: Query, policy: Policy) -> Collected:
        row = Demonstration(id=query.id, query_id=query.id, prompt_ids=(1,), response_ids=(2,))
        return Collected(rows=[row], trace=[query.reference, query.answer], notes={"seen": 1})


class NosyWithAnswers(Nosy):
    name = "nosy-with-answers"
    needs = frozenset({"answers"})


def corpus(count: int = 3) -> Corpus:
    queries = [
        Query(id=f"q{n}", messages=(Message(role="user", content=f"{n}?"),), reference="R", answer="A")
        for n in range(count)
    ]
    return Corpus(name="test", queries=queries)


def test_each_of_several_workers_is_given_as_many_queries(tmp_path: Path) -> None:
    """All that are in flight wait until there are as many as there should be, and no more of them come."""

    class Crowd(Method):
        name, title, source = "crowd", "Crowd", "a test"
        most = now = 0

        async def collect(self, query: Query, policy: Policy) -> Collected:
            Crowd.now += 1
            Crowd.most = max(Crowd.most, Crowd.now)
            await asyncio.sleep(0.01)
            Crowd.now -= 1
            return Collected(rows=[])

    def engine() -> ScriptedEngine:
        opened = ScriptedEngine(lambda text, random: ("x", -1.0))
        opened.workers = 3  # type: ignore[attr-defined]
        return opened

    collect(
        Store(tmp_path),
        Crowd(Section()),
        corpus=corpus(60),
        policy_fingerprint="p",
        open_engine=engine,
        seed=0,
        queries_in_flight=5,
    )
    assert Crowd.most == 15


@pytest.mark.parametrize(("method", "seen"), [(Nosy, [None, None]), (NosyWithAnswers, [None, "A"])])
def test_methods_see_only_the_labels_that_they_declare(
    method: type[Method], seen: list[str | None], tmp_path: Path
) -> None:
    collection = collect(
        Store(tmp_path),
        method(Section()),
        corpus=corpus(),
        policy_fingerprint="p",
        open_engine=lambda: ScriptedEngine(lambda text, random: ("x", -1.0)),
        seed=0,
    )
    assert [json.loads(row["trace"]) for row in collection.rows()] == [seen] * 3
    summary = json.loads((training_set(Store(tmp_path), collection).path / "summary.json").read_text())
    assert summary == {"rows": 3, "left_out": {"seen": 3}}


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
@pytest.mark.parametrize("foresight_temperature", [1.0, 0.6])
def test_recorded_references_are_those_of_a_teacher_forced_pass(
    kind: str, foresight_temperature: float, tmp_path: Path
) -> None:
    """What Genius records through the hf engine, step by step and at other temperatures, to 1e-4 nats."""
    path = build(kind, tmp_path / kind)
    options = ForesightOptions(
        step_max_tokens=6,
        foresight_max_tokens=10,
        foresight_temperature=foresight_temperature,
        unfinished="keep",
        step_delimiter="e",
    )
    policy = Policy(HFEngine(path, EngineSection()), seed=0)
    pairs = [
        row
        for query in corpus(3).queries
        for row in asyncio.run(Genius(options).collect(query, policy)).rows
        if isinstance(row, PreferencePair)
    ]
    assert len(pairs) > 5
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    def teacher_forced(prompt: tuple[int, ...], response: tuple[int, ...]) -> float:
        ids = torch.tensor([[*prompt, *response]])
        with torch.inference_mode():
            logprobs = model(ids).logits[0, :-1].double().log_softmax(-1)
        return float(logprobs[len(prompt) - 1 :].gather(-1, ids[0, len(prompt) :, None]).sum())

    for pair in pairs:
        for ids, recorded in (
            (pair.chosen_ids, pair.reference_chosen_logp),
            (pair.rejected_ids, pair.reference_rejected_logp),
        ):
            assert recorded is not None
            assert math.isclose(recorded, teacher_forced(pair.prompt_ids, ids), abs_tol=1e-4 * len(ids))


class Several(Method):
    """Rows whose ids are in another order than their queries', some with values that others lack."""

    name = "several"
    title = "Several"
    source = "a test"

    async def collect(self, query: Query, policy: Policy) -> Collected:
        await asyncio.sleep(0)
        number = int(query.id.removeprefix("q"))
        rows = [
            PreferencePair(
                id=f"{number * 7919 % 1009:04d}/{query.id}/{step}",
                query_id=query.id,
                prompt_ids=(1,) * (number % 30),
                chosen_ids=(step,),
                rejected_ids=(5,),
                reference_chosen_logp=None if number % 3 else -0.5,
            )
            for step in range(number % 4)
        ]
        return Collected(rows=list(rows), notes={"empty": int(not rows)})


def collect_with(method: Method, home: Path, queries: Corpus) -> Artifact:
    return collect(
        Store(home),
        method,
        corpus=queries,
        policy_fingerprint="p",
        open_engine=lambda: ScriptedEngine(lambda text, random: ("x", -1.0)),
        seed=0,
        queries_in_flight=8,
    )


@pytest.mark.parametrize("run_bytes", [1 << 26, 30_000])
def test_a_training_set_is_in_the_order_of_ids_however_it_was_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_bytes: int
) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", run_bytes)
    collection = collect_with(Several(Section()), tmp_path, corpus(4000))
    made = training_set(Store(tmp_path), collection)
    expected = [row for one in collection.rows() for row in json.loads(one["rows"])]
    expected.sort(key=lambda row: row["id"])
    assert list(made.rows()) == expected
    assert len(expected) == 6000
    assert [len(list(rows_of(shard))) for shard in made.shards()] == [4096, 1904]
    summary = json.loads((made.path / "summary.json").read_text())
    assert summary == {"rows": 6000, "left_out": {"empty": 1000}}


def rows_of(shard: Path) -> Iterator[Any]:
    import pyarrow.parquet as pq

    yield from pq.read_table(shard).to_pylist()


def test_queries_are_taken_as_they_are_needed(tmp_path: Path) -> None:
    """A queue of a many must not be filled first."""
    taken, finished, ahead = 0, 0, 0

    def read() -> Iterator[Query]:
        nonlocal taken
        taken = 0
        for query in corpus(500).queries:
            taken += 1
            yield query

    class Watching(Several):
        async def collect(self, query: Query, policy: Policy) -> Collected:
            nonlocal finished, ahead
            ahead = max(ahead, taken - finished)
            collected = await super().collect(query, policy)
            finished += 1
            return collected

    collect_with(Watching(Section()), tmp_path, Corpus(name="test", queries=Queries(read, 500)))
    assert (finished, ahead) == (500, 8)


def test_shards_grow_with_what_is_stored_and_are_never_large(tmp_path: Path) -> None:
    def sizes(rows: int, text: str, stored: int = 0) -> list[int]:
        found: list[int] = []

        class Counting(Build):
            def write_shard(self, rows: Any, **counts: float) -> None:
                found.append(len(rows))

        waiting = Shelf(Counting(tmp_path), dict, stored)
        for number in range(rows):
            waiting.add({"id": str(number), "rows": text})
        waiting.store()
        assert sum(found) == rows
        return found

    many = sizes(300_000, "")
    assert len(many) < 1500
    assert many[:200] == [16] * 200
    lost, stored = 0.0, 0
    for size in many[:-1]:
        stored += size
        lost = max(lost, size / stored if stored > 4096 else 0)
    assert lost < 0.0045, "of the work so far, if it is killed just before a shard"
    assert max(sizes(3000, "x" * 1_000_000, stored=900_000)) == 34, "34 MB of text"
    assert sizes(40, "", stored=16 * 256 * 2)[0] == 32, "it goes on where an earlier attempt was"


class Slowly(Several):
    async def collect(self, query: Query, policy: Policy) -> Collected:
        await asyncio.sleep(0.002)
        return await super().collect(query, policy)


def collect_to_be_killed(home: Path) -> Artifact:
    return training_set(Store(home), collect_with(Slowly(Section()), home, corpus(KILLED_QUERIES)))


def collect_with_small_limits(home: Path) -> None:
    shelf.SHARD_SHARE, sorting.RUN_BYTES = 4, 20_000
    collect_to_be_killed(home)


@pytest.mark.slow
def test_killed_while_shards_grow_no_row_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL in the middle of sampling, and of sorting on disk."""
    processes, chance = multiprocessing.get_context("forkserver"), random.Random(1)
    processes.set_forkserver_preload([__name__])
    stored = []
    for _ in range(5):
        process = processes.Process(target=collect_with_small_limits, args=(tmp_path / "killed",))
        process.start()
        known = set(tmp_path.glob(SHARDS))
        while process.is_alive() and known == set(tmp_path.glob(SHARDS)):
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.join()
        stored.append(len(list(tmp_path.glob(SHARDS))))
    assert stored[0] > 0, "killed in the middle"
    undisturbed = collect_to_be_killed(tmp_path / "undisturbed")
    monkeypatch.setattr(shelf, "SHARD_SHARE", 4)
    killed = collect_to_be_killed(tmp_path / "killed")
    assert list(killed.rows()) == list(undisturbed.rows())
    [collection] = Store(tmp_path / "killed").all("collection")
    ids = [row["id"] for row in collection.rows("id")]
    assert len(ids) == len(set(ids)) == KILLED_QUERIES
    assert len(collection.shards()) < KILLED_QUERIES / 16 / 2
