"""The hf engine against transformers' own generate, against a teacher-forced pass, and against itself."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from transformers import AutoModelForCausalLM, AutoTokenizer

from genius_bench.engines.choosing import choose_tokens, nucleus, uniforms
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.rendering import render
from genius_bench.errors import InputError
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message
from tests.engines.continuing_support import asked_twice, differences, going_on

QUESTIONS = [
    "Tom has 3 apples.",
    "Is a horse heavier than a mouse? Yes or no?",
    "3 + 4",
    "a",
    "How many apples?",
]


def generate(engine: HFEngine, requests: list[Request]) -> list[Completion]:
    async def all_of_them() -> list[Completion]:
        return list(await asyncio.gather(*map(engine.generate, requests)))

    return asyncio.run(all_of_them())


def requests_for(engine: HFEngine, count: int, **fields: object) -> list[Request]:
    prompts = [render(engine.tokenizer, [Message(role="user", content=text)]) for text in QUESTIONS]
    sampling: dict[str, Any] = {"max_tokens": 24, "temperature": 1.0, **fields}
    return [Request(prompt_ids=prompts[i % len(prompts)], seed=i, **sampling) for i in range(count)]


def settings(model: Path, max_batch: int = 256) -> EngineSection:
    """GPT-NeoX has no chat template, and says so (see the test below) unless told to go without."""
    return EngineSection(
        max_batch=max_batch, chat_template="plain" if model.name.startswith("neox") else None
    )


def test_a_model_without_a_chat_template_is_refused_with_the_way_out(tiny_model: Path) -> None:
    if tiny_model.name.startswith("neox"):
        with pytest.raises(InputError, match=r"no chat template.*engine.chat_template=plain"):
            HFEngine(tiny_model, EngineSection())
    else:
        HFEngine(tiny_model, EngineSection())


def test_greedy_equals_transformers_generate(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model, max_batch=3))
    requests = requests_for(engine, 5, temperature=0.0)
    model = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    for request, completion in zip(requests, generate(engine, requests), strict=True):
        prompt = torch.tensor([request.prompt_ids])
        output = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=24, do_sample=False, pad_token_id=0
        )
        expected = output[0, prompt.shape[1] :]
        assert list(completion.token_ids) == expected.tolist()


def test_logprobs_are_those_of_a_teacher_forced_pass(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model, max_batch=4))
    requests = requests_for(engine, 12, temperature=0.6, top_p=0.9)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    for request, completion in zip(requests, generate(engine, requests), strict=True):
        ids = torch.tensor([[*request.prompt_ids, *completion.token_ids]])
        with torch.inference_mode():
            logprobs = model(ids).logits[0, :-1].float().log_softmax(-1)
        start = len(request.prompt_ids) - 1
        expected = logprobs[start:].gather(-1, ids[0, start + 1 :, None]).squeeze(-1)
        np.testing.assert_allclose(completion.logprobs, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_entropies_are_those_of_the_distributions_drawn_from(tiny_model: Path, temperature: float) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model))
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype="float32")
    requests = requests_for(engine, 3, temperature=temperature, entropies=True)
    for request, completion in zip(requests, generate(engine, requests), strict=True):
        ids = torch.tensor([[*request.prompt_ids, *completion.token_ids]])
        with torch.no_grad():
            logits = model(ids).logits[0, len(request.prompt_ids) - 1 : -1].double() / temperature
        expected = torch.distributions.Categorical(logits=logits).entropy()
        assert completion.entropies == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_result_does_not_depend_on_its_batch(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model, max_batch=64))
    requests = requests_for(engine, 40)
    together = generate(engine, requests)
    narrow = generate(HFEngine(tiny_model, settings(tiny_model, max_batch=3)), requests[::-1])[::-1]
    alone = [generate(engine, [request])[0] for request in requests[:5]]
    assert [c.token_ids for c in together] == [c.token_ids for c in narrow]
    assert [c.token_ids for c in together[:5]] == [c.token_ids for c in alone]
    assert len({c.token_ids for c in together}) > 30, "different seeds draw different answers"


def test_stops(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model))
    free = generate(engine, requests_for(engine, 20))
    for stop in ("e", " a", "an"):
        stopping = generate(engine, requests_for(engine, 20, stop=(stop, "☃☃")))
        for stopped, completion in zip(stopping, free, strict=True):
            text = engine.tokenizer.decode(completion.token_ids, skip_special_tokens=True)
            if stop in text:
                assert stopped.finish_reason == "stop"
                assert stopped.text == text[: text.find(stop)]
                assert stopped.token_ids == completion.token_ids[: len(stopped.token_ids)]
                assert stop not in engine.tokenizer.decode(stopped.token_ids[:-1], skip_special_tokens=True)
            else:
                assert stopped.token_ids == completion.token_ids
    assert {c.finish_reason for c in free} <= {"eos", "length"}
    assert all(len(c.token_ids) == 24 for c in free if c.finish_reason == "length")


@pytest.mark.parametrize(
    ("fields", "then_fields"),
    [
        ({"temperature": 0.6}, {}),
        ({"max_tokens": 12}, {"max_tokens": 2}),
        ({"stop": ("a",)}, {"stop": ("e",)}),
        ({"temperature": 0.0}, {}),
        ({}, {"temperature": 0.0}),
    ],
    ids=["temperatures", "limits", "stop strings", "greedy first", "greedy second"],
)
def test_a_request_that_goes_on_gives_what_two_requests_give(
    tiny_model: Path, fields: dict[str, Any], then_fields: dict[str, Any]
) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model, max_batch=16))
    wanted = going_on(
        requests_for(engine, 60, **{"stop": tuple("aeiot "), **fields}), **{"max_tokens": 20, **then_fields}
    )
    found = generate(engine, wanted)
    assert differences(found, asked_twice(engine, wanted)) == 0
    assert any(completion.then for completion in found)


def test_a_continuation_ends_with_the_context(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model))
    assert engine.context_length
    ids = requests_for(engine, 1)[0].prompt_ids
    long = [(ids * 300)[: engine.context_length - room] for room in range(1, 25)]
    wanted = going_on(
        [Request(prompt_ids=prompt, max_tokens=30, seed=n, stop=("e", " ")) for n, prompt in enumerate(long)]
    )
    found = generate(engine, wanted)
    assert differences(found, asked_twice(engine, wanted)) == 0
    assert any(c.then and c.then.finish_reason == "length" and len(c.then.token_ids) < 64 for c in found)


def test_prompt_beyond_the_context_is_refused(tiny_model: Path) -> None:
    engine = HFEngine(tiny_model, settings(tiny_model))
    with pytest.raises(InputError, match="does not fit"):
        generate(engine, [Request(prompt_ids=(5,) * 300, max_tokens=4, seed=0)])
    cut = generate(engine, [Request(prompt_ids=(5,) * 250, max_tokens=40, seed=0, temperature=0.0)])[0]
    assert len(cut.token_ids) <= 6


def test_exactly_one_beginning_of_sequence(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for prefix in ("", "The reasoning steps are:\n\n"):
        ids = render(tokenizer, [Message(role="user", content="3 + 4")], prefix)
        text = tokenizer.decode(ids)
        assert text.endswith(prefix) or not prefix
        expected = 1 if "Llama" in (tiny_model / "config.json").read_text() else 0
        assert list(ids).count(tokenizer.bos_token_id) == (
            expected if tokenizer.bos_token_id is not None else 0
        )


def test_drawn_tokens_follow_the_tempered_distribution() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0, -30.0]])
    rows = 20_000
    seeds = np.arange(rows, dtype=np.uint64)
    randomness = torch.from_numpy(uniforms(seeds, np.full(rows, 7, dtype=np.uint64)))
    for temperature in (0.6, 1.0, 1.7):
        tokens, logprobs = choose_tokens(
            logits.expand(rows, -1), torch.full((rows,), temperature), torch.ones(rows), randomness
        )
        expected = (logits[0] / temperature).softmax(-1).double().numpy() * rows
        counts = np.bincount(tokens.numpy(), minlength=5)
        assert chisquare(counts[:4], expected[:4] * counts[:4].sum() / expected[:4].sum()).pvalue > 1e-3
        assert torch.allclose(logprobs, logits[0].log_softmax(-1)[tokens])


def test_nucleus_keeps_the_smallest_sufficient_set() -> None:
    probabilities = torch.tensor([[0.1, 0.5, 0.3, 0.1]])
    assert nucleus(probabilities, torch.tensor([0.75])).gt(0).tolist() == [[False, True, True, False]]
    assert nucleus(probabilities, torch.tensor([0.4])).gt(0).tolist() == [[False, True, False, False]]
