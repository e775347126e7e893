"""The methods in the collect stage: corpora without labels, interruptions, keys and counts."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import InputError
from genius_bench.resolution import resolve
from genius_bench.rows import Message, Query
from genius_bench.sampling import collecting
from genius_bench.stages import usable_corpus
from tests.sampling.scripted import ScriptedEngine
from tests.trainers.support import FEW
from trainers.certainty import Certainty
from trainers.coh import CoH
from trainers.crest import CREST
from trainers.iterative_rpo import IterativeRPO
from trainers.lmsi import LMSI
from trainers.meta_rewarding import MetaRewarding
from trainers.rest_em import RestEM
from trainers.scpo import ScPO
from trainers.self_explore import SelfExplore
from trainers.self_rewarding import SelfRewarding
from trainers.sft import SFT
from trainers.sharpening import Sharpening
from trainers.spin import SPIN
from trainers.star import STaR

UNSUPERVISED: list[Any] = [STaR, CoH, SelfRewarding, ScPO, Sharpening, Certainty, LMSI, MetaRewarding]


def talkative(text: str, random: np.random.Generator) -> tuple[str, float]:
    if "Two judges" in text:
        return f"Winner: {random.choice(['A', 'B'])}", -0.5
    mood = "bad" if "unhelpful" in text else "good"
    return f"{mood}\nScore: {random.integers(6)}\nThe answer is {int(random.random() < 0.3)}.", -0.5


def corpus(labels: bool = False, queries: int = 6) -> Corpus:
    def query(number: int) -> Query:
        messages = (Message(role="user", content=f"{number}?"),)
        reference, answer = ("r", "1") if labels else (None, None)
        return Query(id=f"q{number}", messages=messages, reference=reference, answer=answer)

    return Corpus(name="test", queries=[query(number) for number in range(queries)])


class Interrupted(ScriptedEngine):
    """Gives up after some requests."""

    def __init__(self, requests: int) -> None:
        super().__init__(talkative)
        self.left = requests

    async def generate(self, request: Request) -> Completion:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("the device is gone")
        return await super().generate(request)


def collected(
    home: Path, method: Any, queries: Corpus, engine: ScriptedEngine | None = None, **options: Any
) -> Artifact:
    return collecting.collect(
        Store(home),
        method(method.Options(**FEW.get(method.name, {}) | options)),
        corpus=queries,
        policy_fingerprint="policy",
        open_engine=lambda: engine or ScriptedEngine(talkative),
        seed=0,
    )


def rows_of(home: Path, collection: Artifact) -> list[dict[str, Any]]:
    return list(collecting.training_set(Store(home), collection).rows())


@pytest.mark.parametrize("method", UNSUPERVISED)
def test_unsupervised_methods_make_rows_without_labels(tmp_path: Path, method: Any) -> None:
    without = collected(tmp_path, method, corpus())
    assert rows_of(tmp_path, without)
    assert collected(tmp_path, method, corpus(labels=True)).key == without.key, "they cannot see labels"


def test_gold_answers_reach_star_only_when_it_filters_by_them(tmp_path: Path) -> None:
    collection = collected(tmp_path, STaR, corpus(labels=True), filter="gold", responses=8)
    texts = ["".join(map(chr, row["response_ids"])) for row in rows_of(tmp_path, collection)]
    assert texts
    assert all("answer is 1" in text for text in texts)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"method": "spin"}, "references"),
        ({"method": "sft"}, "references"),
        ({"method": "star", "sampling": {"filter": "gold"}}, "answers"),
        ({"method": "rest-em"}, "answers"),
        ({"method": "self-explore"}, "answers"),
    ],
)
def test_supervised_methods_refuse_a_corpus_without_labels(
    tmp_path: Path, settings: dict[str, Any], missing: str
) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(json.dumps({"query": "Why?"}) + "\n")
    resolved = resolve(settings, {"corpus": {"name": str(path)}})
    nowhere = ModelFiles(path=tmp_path, name="base", fingerprint="")
    with pytest.raises(InputError, match=f"needs {missing}, but 1 of 1 rows") as caught:
        usable_corpus(resolved, nowhere)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", [*UNSUPERVISED, SPIN, IterativeRPO, CREST, RestEM, SelfExplore])
def test_an_interrupted_collection_ends_with_the_same_rows(tmp_path: Path, method: Any) -> None:
    queries = corpus(labels=True, queries=40)
    whole = rows_of(tmp_path / "whole", collected(tmp_path / "whole", method, queries))
    assert whole
    for requests in (0, 9, 60):
        with suppress(RuntimeError):
            collected(tmp_path / "broken", method, queries, Interrupted(requests))
    assert rows_of(tmp_path / "broken", collected(tmp_path / "broken", method, queries)) == whole


def test_more_rounds_or_another_schedule_sample_nothing_again(tmp_path: Path) -> None:
    first = collected(tmp_path, SPIN, corpus(labels=True))
    assert collected(tmp_path, SPIN, corpus(labels=True), iterations=2, beta_factors=[1.0]).reused
    assert collected(tmp_path, SPIN, corpus(labels=True), temperature=0.5).key != first.key


def test_the_manifest_counts_judging_apart(tmp_path: Path) -> None:
    counts = collected(tmp_path, SelfRewarding, corpus()).manifest["counters"]
    assert counts["tokens_judged"] > counts["tokens_sampled"] > 0
    assert "tokens_judged" not in collected(tmp_path, ScPO, corpus()).manifest["counters"]


def test_sft_samples_nothing(tmp_path: Path) -> None:
    collection = collected(tmp_path, SFT, corpus(labels=True), Interrupted(0))
    assert len(rows_of(tmp_path, collection)) == 6


def test_methods_at_equal_settings_share_what_was_sampled(tmp_path: Path) -> None:
    """ScPO's eight begin with Self-Rewarding's four; a fresh home gives the same rows at full cost."""
    collected(tmp_path, SelfRewarding, corpus())
    engine, alone = ScriptedEngine(talkative), ScriptedEngine(talkative)
    shared = collected(tmp_path, ScPO, corpus(), engine, hot_pool="never")
    fresh = collected(tmp_path / "fresh", ScPO, corpus(), alone, hot_pool="never")
    assert (len(engine.requests), len(alone.requests)) == (6 * 4, 6 * 8)
    assert rows_of(tmp_path, shared) == rows_of(tmp_path / "fresh", fresh)
    counts, costs = shared.manifest["counters"], fresh.manifest["counters"]
    assert counts["tokens_sampled"] == costs["tokens_sampled"]
    assert 0 < counts["tokens_reused"] < counts["tokens_sampled"]
    assert "tokens_reused" not in costs


def test_another_temperature_or_length_is_sampled_anew(tmp_path: Path) -> None:
    collected(tmp_path, SelfRewarding, corpus())
    for changed in ({"temperature": 0.6}, {"max_tokens": 100}, {"top_p": 1.0}):
        engine = ScriptedEngine(talkative)
        collected(tmp_path, ScPO, corpus(), engine, hot_pool="never", **changed)
        assert len(engine.requests) == 6 * 8
