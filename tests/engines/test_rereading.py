"""Self-certainties and entropies: as they are defined, whichever way they come, and without rows that are no tokens."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from genius_bench.engines.choosing import certainties_of
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Continuation, Request, RereadingEngine
from genius_bench.engines.rereading import BesideFiles, with_rereading
from genius_bench.recipe import EngineSection
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.pool import Pool
from tests.engines.conftest import build
from tests.engines.test_hf import generate, requests_for

PADDING = 24
TOLD: dict[str, Any] = {"entropies": True, "certainties": True}


@pytest.fixture(scope="module")
def padded_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head with rows that the tokenizer does not know, as Qwen's have: never drawn, but far from the others' mean."""
    folder = build("llama", tmp_path_factory.mktemp("padded"))
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(model.config.vocab_size + PADDING, mean_resizing=False)
    with torch.no_grad():
        hidden = model.lm_head.weight[:-PADDING].abs().sum(0)
        model.lm_head.weight[-PADDING:] = torch.linspace(-3, -1, PADDING)[:, None] * hidden
    model.save_pretrained(folder)
    return folder


class Silent:
    """An engine that draws the same tokens and tells nothing of them."""

    def __init__(self, engine: HFEngine) -> None:
        self._engine = engine
        self.tokenizer, self.name, self.context_length = engine.tokenizer, "silent", engine.context_length

    async def generate(self, request: Request) -> Completion:
        return await self._engine.generate(replace(request, entropies=False, certainties=False))

    def close(self) -> None:
        self._engine.close()


def expected(folder: Path, request: Request, completion: Completion, rows: int | None) -> tuple[Any, Any]:
    """Entropies at the request's temperature and KL(U‖p), in float64 and from their definitions, over `rows` logits."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    ids = torch.tensor([[*request.prompt_ids, *completion.token_ids]])
    with torch.no_grad():
        logits = model(ids).logits[0, len(request.prompt_ids) - 1 : -1, :rows].double()
    uniform = torch.full_like(logits, 1 / logits.shape[-1])
    divergences = (uniform * (uniform.log() - logits.log_softmax(-1))).sum(-1)
    entropies = torch.distributions.Categorical(logits=logits / request.temperature).entropy()
    return pytest.approx(entropies.tolist(), abs=1e-4), pytest.approx(divergences.tolist(), abs=1e-4)


def test_certainty_is_the_divergence_of_the_uniform_from_the_policy() -> None:
    """KL(U‖p), not KL(p‖U) = ln V − H (0.6477, 1.4516, 0); a constant added to all logits changes nothing."""
    logits = torch.tensor([[2.0, 0.5, 0.0, -1.0, -1.5], [5.0, 0.0, 0.0, 0.0, 0.0], [0.0] * 5])
    for shift in (0.0, 7.0):
        assert certainties_of(logits + shift).tolist() == pytest.approx(
            [0.754128159669, 2.417157072908, 0.0], abs=1e-6
        )


def test_what_an_engine_tells_leaves_out_rows_that_are_no_tokens(padded_model: Path) -> None:
    engine = HFEngine(padded_model, EngineSection())
    rows = len(engine.tokenizer)
    for request in requests_for(engine, 3, temperature=0.7, **TOLD):
        [told] = generate(engine, [request])
        entropies, certainties = expected(padded_model, request, told, rows)
        assert (told.entropies, told.certainties) == (entropies, certainties)
        assert told.certainties != expected(padded_model, request, told, None)[1], "padding would count"


def test_all_ways_tell_the_same(padded_model: Path) -> None:
    """While sampling, by rereading, and of an engine that cannot, by its model's files."""
    engine = HFEngine(padded_model, EngineSection())
    beside = with_rereading(Silent(engine), padded_model)
    assert isinstance(beside, BesideFiles)
    assert isinstance(beside, RereadingEngine)
    assert with_rereading(engine, padded_model) is engine
    for request in requests_for(engine, 5, temperature=0.7, **TOLD):
        [told] = generate(engine, [request])
        plain = replace(told, entropies=(), certainties=())
        for other in (asyncio.run(engine.reread(request, plain)), asyncio.run(beside.generate(request))):
            assert other.token_ids == told.token_ids
            assert other.entropies == pytest.approx(told.entropies, abs=1e-4)
            assert other.certainties == pytest.approx(told.certainties, abs=1e-4)
        unasked = replace(request, entropies=False, certainties=False)
        assert asyncio.run(beside.generate(unasked)) == plain


def test_a_continuation_is_told_of_apart(padded_model: Path) -> None:
    engine = HFEngine(padded_model, EngineSection())
    [request] = requests_for(engine, 1, **TOLD)
    [whole] = generate(engine, [request])
    stop = whole.text.strip()[2]
    then = Continuation(max_tokens=5, seed=3, temperature=1.0)
    [first] = generate(engine, [replace(request, stop=(stop,), then=then)])
    assert first.then is not None
    for part in (first, first.then):
        assert len(part.certainties) == len(part.entropies) == len(part.token_ids)
    assert first.certainties == pytest.approx(whole.certainties[: len(first.certainties)], abs=1e-4)


def test_pooled_responses_are_reread(padded_model: Path, tmp_path: Path) -> None:
    engine = HFEngine(padded_model, EngineSection())

    def ask(**fields: Any) -> Completion:
        policy = Policy(engine, 0, 1, Pool(tmp_path))
        drawn = asyncio.run(
            policy.sample((5, 6, 7), draw=("q",), max_tokens=12, temperature=1.0, pooled=True, **fields)
        )
        policy.take_counts()
        return drawn

    plain, pooled = ask(), ask(certainties=True)
    assert pooled == replace(plain, certainties=pooled.certainties)
    request = Request(prompt_ids=(5, 6, 7), max_tokens=12, seed=0)
    assert pooled.certainties == expected(padded_model, request, plain, len(engine.tokenizer))[1]
    assert ask().certainties == ()
