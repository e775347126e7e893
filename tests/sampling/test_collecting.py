"""The collect stage: labels are hidden, references recorded while sampling are right, kills lose nothing."""

import asyncio
import json
import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from genius_bench.artifacts import Store
from genius_bench.corpora import Corpus
from genius_bench.engines.hf import HFEngine
from genius_bench.method import Collected, Method
from genius_bench.recipe import EngineSection, Section
from genius_bench.rows import Demonstration, Message, PreferencePair, Query
from genius_bench.sampling.collecting import collect, training_set
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from tests.engines.conftest import build
from tests.sampling.scripted import ScriptedEngine
from trainers.genius import Genius


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
