"""SmolLM2 itself, a real language model, through what everything else is tested on with tiny ones.

What is expected of it is what its authors publish (135 M weights, a context of 8192, ChatML with a system prompt of its
own), what a pass over the whole text gives, or what must hold of any answer.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from genius_bench.artifacts import Artifact, Store
from genius_bench.engines import smollm2
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import ModelFiles, context_of, load_model, resolve_model
from genius_bench.engines.rendering import render
from genius_bench.engines.turns import turn_of
from genius_bench.errors import EngineLostError
from genius_bench.evaluation.asking import LazyEngine
from genius_bench.evaluation.facts import GraderName
from genius_bench.evaluation.graders import Item, grade
from genius_bench.evaluation.stage import evaluate
from genius_bench.objectives.dpo import DPO
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.rows import PreferencePair, Query
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from tests.training.support import make_training_set, train
from trainers.genius import Genius

REAL = smollm2.place()
"""As it is while tests are collected: none of them has chosen another home then."""
pytestmark = [
    pytest.mark.smollm2,
    pytest.mark.skipif(not REAL.exists(), reason=f"no model in {REAL}: make smollm2"),
]
QUESTIONS = (
    "What is 2 plus 3? Answer with a number.",
    "Is ice cold? Answer yes or no.",
    "Name two colours.",
    "Write a short list of three things that you can buy in a shop.",
)


@pytest.fixture(scope="module")
def engine() -> HFEngine:
    return HFEngine(REAL, EngineSection(device="cpu"))


@pytest.fixture(scope="module")
def asked(engine: HFEngine) -> list[tuple[Request, Completion]]:
    """Greedy answers to questions of unequal lengths that shared a batch, with a sample each."""
    prompts = [prompt_of(engine, text) for text in QUESTIONS]
    requests = [
        Request(prompt_ids=ids, max_tokens=24, seed=3, temperature=temperature)
        for ids in prompts
        for temperature in (0.0, 1.0)
    ]

    async def answer() -> list[Completion]:
        return await asyncio.gather(*map(engine.generate, requests))

    return list(zip(requests, asyncio.run(answer()), strict=True))


def prompt_of(engine: HFEngine, text: str) -> tuple[int, ...]:
    return render(engine.tokenizer, ({"role": "user", "content": text},))


def log_probabilities(model: Any, prompt: Sequence[int], said: Sequence[int]) -> torch.Tensor:
    """Of the tokens said, by one pass over the whole text."""
    with torch.inference_mode():
        scores = model(torch.tensor([[*prompt, *said]])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    found: torch.Tensor = scores[torch.arange(len(said)), list(said)]
    return found


def test_shape_and_rendering(engine: HFEngine) -> None:
    assert sum(weight.numel() for weight in engine.model.parameters()) == 134_515_008
    assert engine.context_length == context_of(resolve_model(str(REAL))) == 8192
    tokenizer = engine.tokenizer
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert tokenizer.decode(prompt_of(engine, "Hi  12")) == (
        f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nHi  12<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokenizer.tokenize("  12") == ["ĠĠ", "1", "2"]
    turn = turn_of(tokenizer)
    assert turn is not None
    assert tokenizer.convert_ids_to_tokens(turn.end) == "<|im_end|>"


def test_it_knows_what_comes_next(engine: HFEngine) -> None:
    """Far better than chance would."""
    for text, word in (("The capital of France is", " Paris"), ("One, two, three, four,", " five")):
        [expected] = engine.tokenizer(word).input_ids
        assert log_probabilities(engine.model, engine.tokenizer(text).input_ids, [expected])[0] > -1.5


def test_log_probabilities_are_those_of_a_pass_over_the_whole_text(
    engine: HFEngine, asked: list[tuple[Request, Completion]]
) -> None:
    for request, completion in asked:
        wanted = log_probabilities(engine.model, request.prompt_ids, completion.token_ids)
        assert torch.allclose(torch.tensor(completion.logprobs), wanted, atol=2e-3)


def test_answers_end_where_their_turn_does(engine: HFEngine, asked: list[tuple[Request, Completion]]) -> None:
    end = engine.tokenizer.convert_tokens_to_ids("<|im_end|>")
    reasons = {completion.finish_reason for _, completion in asked}
    assert "eos" in reasons, "it ends some answer by itself"
    for _, completion in asked:
        assert (completion.token_ids[-1] == end) == (completion.finish_reason == "eos")
        assert "<|im_end|>" not in completion.text


GRADERS: tuple[GraderName, ...] = ("number", "yes_no", "named", "option", "math", "format")
ITEM = Item(gold="5", labels=("A", "B"), options=("red", "blue"), tests=("sentences 1",))


@pytest.mark.parametrize("grader", GRADERS)
def test_graders_read_nothing_into_an_answer_that_it_does_not_say(
    grader: GraderName, asked: list[tuple[Request, Completion]]
) -> None:
    texts = [completion.text for _, completion in asked]
    for text, verdict in zip(texts, grade(grader, [(text, ITEM) for text in texts]), strict=True):
        if grader == "format":
            assert verdict.extracted in ("followed", "not sentences 1")
        elif grader == "option" and verdict.extracted is not None:
            named = (verdict.extracted, ITEM.options[ITEM.labels.index(verdict.extracted)])
            assert any(word.lower() in text.lower() for word in named)
        elif verdict.extracted is not None:
            spelt = {"5": "five", "2": "two", "3": "three", "1": "one"}.get(verdict.extracted, "")
            said = re.sub(r"(?<=\d),(?=\d)", "", text.lower())
            assert verdict.extracted.lower() in said or (spelt and spelt in said)


def test_steps_of_real_prose_are_lines_with_something_in_them(engine: HFEngine) -> None:
    options = ForesightOptions(beam_size=1, rollouts=2, steps=2, step_max_tokens=32, foresight_max_tokens=16)
    asking = "How do I make tea? Answer with a list of steps."
    query = Query(id="q", messages=({"role": "user", "content": asking},))

    async def collect() -> Any:
        return await Genius(options).collect(query, Policy(engine, 0).for_one_query())

    collected = asyncio.run(collect())
    candidates = [one for step in collected.trace for one in step["candidates"]]
    assert candidates
    for one in candidates:
        assert one["finished"] or one["step"].strip(), "no step is blank"
        assert "\n" not in one["step"].strip(), "a step is one line"
        assert one["score"] < 0
    for row in collected.rows:
        assert row.prompt_ids == prompt_of(engine, asking)
        for ids, sampled in (
            (row.chosen_ids, row.reference_chosen_logp),
            (row.rejected_ids, row.reference_rejected_logp),
        ):
            assert sampled == pytest.approx(
                float(log_probabilities(engine.model, row.prompt_ids, ids).sum()), abs=0.05
            )


def test_an_adapter_learns_what_it_is_shown(engine: HFEngine, tmp_path: Path) -> None:
    prompt = prompt_of(engine, "What colour is the sky?")
    chosen, rejected = (tuple(engine.tokenizer(word).input_ids) for word in ("Blue.", "Pizza."))
    before = [float(log_probabilities(engine.model, prompt, ids).sum()) for ids in (chosen, rejected)]
    pair = PreferencePair(
        id="p",
        query_id="q",
        prompt_ids=prompt,
        chosen_ids=chosen,
        rejected_ids=rejected,
        reference_chosen_logp=before[0],
        reference_rejected_logp=before[1],
    )
    store = Store(tmp_path)
    lora = {"rank": 2, "alpha": 8.0, "targets": "q_proj,v_proj"}
    made = train(
        store,
        REAL,
        make_training_set(store, [pair]),
        DPO(),
        batch_size=1,
        micro_batch_size=1,
        epochs=3,
        lora=lora,
        learning_rate=1e-3,
    )
    folder = made.path / "model"
    assert sum(file.stat().st_size for file in folder.glob("*.safetensors")) < 2**21, "the adapter alone"
    adapted = load_model(folder, device="cpu")
    after = [float(log_probabilities(adapted, prompt, ids).sum()) for ids in (chosen, rejected)]
    assert after[0] - after[1] > before[0] - before[1] + 0.1


class Dying:
    """The engine until it has answered so often."""

    def __init__(self, inner: HFEngine, lives: int) -> None:
        self._inner, self._lives = inner, lives
        self.tokenizer, self.name, self.context_length = inner.tokenizer, inner.name, inner.context_length
        self.answered = 0

    async def generate(self, request: Request) -> Completion:
        completion = await self._inner.generate(request)
        if self.answered == self._lives:
            raise EngineLostError("gone")
        self.answered += 1
        return completion

    def close(self) -> None:
        """The model outlives this."""


def test_an_interrupted_evaluation_goes_on_with_what_it_lacks(engine: HFEngine, tmp_path: Path) -> None:
    def run(home: str, lives: int) -> tuple[list[Artifact], Dying]:
        mortal = Dying(engine, lives)
        made = evaluate(
            Store(tmp_path / home),
            model=ModelFiles("smollm2", REAL, "c0ffee"),
            engine=LazyEngine(lambda: mortal),
            checkpoint_fingerprint="c0ffee",
            tasks=["plain_facts"],
            settings=EvaluationSection(samples=1, limit=3, max_tokens=6),
            engine_settings=EngineSection(),
        )
        return made, mortal

    with pytest.raises(EngineLostError):
        run("one", 2)
    [resumed], rest = run("one", 100)
    [whole], everything = run("two", 100)
    assert (rest.answered, everything.answered) == (4, 6)
    texts = [[row["response"] for row in artifact.rows()] for artifact in (resumed, whole)]
    assert texts[0] == texts[1]
