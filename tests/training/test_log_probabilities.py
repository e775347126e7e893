"""Log-probabilities of responses: never more than a fixed number of logits, and what any model says plainly."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from genius_bench.training import chunking
from genius_bench.training.collator import Collator
from genius_bench.training.log_probabilities import response_log_probabilities

from .models import SIZES, VOCABULARY, assert_close, gradients, make_examples, one_by_one, tiny_model

WEIGHTS = torch.linspace(-1, 2, 8)
"""How much each sequence counts: gradients must not be mixed up among them."""


def with_adapters(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, target_modules=["q_proj", "lm_head"], init_lora_weights=False)
    return get_peft_model(model, config).eval()


def with_frozen_body(model: Any) -> Any:
    model.requires_grad_(False)
    model.get_output_embeddings().requires_grad_(True)
    return model


def as_it_is(model: Any) -> Any:
    return model


@pytest.mark.parametrize("tokens_at_once", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("llama", as_it_is),
        ("llama", with_adapters),
        ("llama", with_frozen_body),
        ("qwen2", as_it_is),
        ("gpt2", as_it_is),
        ("gemma2", as_it_is),
        ("cohere", as_it_is),
    ],
)
def test_values_and_gradients_are_those_of_plain_logits(
    kind: str, changed: Callable[[Any], Any], tokens_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(chunking.LOGITS_AT_ONCE, "cpu", tokens_at_once * VOCABULARY)
    model, examples = changed(tiny_model(kind)), make_examples(4)
    expected = one_by_one(model, examples)
    found = response_log_probabilities(model, Collator(packing=False)(examples))
    assert_close([found.detach()], [expected.detach()])
    assert_close(gradients(model, found @ WEIGHTS), gradients(model, expected @ WEIGHTS))


WIDTH = SIZES["hidden_size"]


class Largest(TorchDispatchMode):
    """The largest number of logits (or of anything of their shape) that any operation makes."""

    found = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else [result]:
            if isinstance(made, Tensor) and made.shape[-1:] == (VOCABULARY,) and made.shape[0] != WIDTH:
                self.found = max(self.found, made.numel())
        return result


@pytest.mark.parametrize("packing", [False, True])
def test_memory_for_logits_is_bounded(packing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = tiny_model("llama"), Collator(packing)(make_examples(6))
    response_log_probabilities(model, batch)  # the model is asked once how it uses its head

    def largest() -> int:
        with Largest() as watch:
            response_log_probabilities(model, batch).sum().backward()
        return watch.found

    assert largest() == len(batch["target"]) * VOCABULARY  # neither prompts nor padding
    monkeypatch.setitem(chunking.LOGITS_AT_ONCE, "cpu", 5 * VOCABULARY)
    assert largest() == 5 * VOCABULARY


def test_only_what_does_not_fit_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = tiny_model("llama"), Collator(packing=False)(make_examples(6))
    head = model.lm_head
    rows: list[int] = []
    own = head.forward

    def counted(hidden: Any) -> Any:
        rows.append(len(hidden))
        return own(hidden)

    monkeypatch.setattr(head, "forward", counted)
    tokens = len(batch["target"])

    def tokens_seen() -> int:
        rows.clear()
        response_log_probabilities(model, batch).sum().backward()
        return sum(rows)

    tokens_seen()
    assert tokens_seen() == tokens
    monkeypatch.setitem(chunking.LOGITS_AT_ONCE, "cpu", 10 * VOCABULARY)
    assert tokens_seen() == 2 * tokens - (tokens % 10 or 10)
    assert len(rows) == 2 * math.ceil(tokens / 10) - 1


@pytest.mark.parametrize(
    ("kind", "says"), [("llama", ""), ("gemma2", "Gemma2ForCausalLM changes its logits")]
)
def test_a_model_that_changes_its_logits_is_found_out(
    kind: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model, batch = tiny_model(kind), Collator(packing=False)(make_examples(2))
    response_log_probabilities(model, batch)
    response_log_probabilities(model, batch)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (1 if says else 0)
    assert all(line.startswith(says) for line in lines)


def test_a_second_pass_over_a_used_graph_is_refused() -> None:
    model, batch = tiny_model("llama"), Collator(packing=False)(make_examples(2))
    value = response_log_probabilities(model, batch).sum()
    value.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_half_precision_is_summed_in_float32() -> None:
    model, batch = tiny_model("llama"), Collator(packing=False)(make_examples(4))
    with torch.no_grad():
        exact = one_by_one(model, make_examples(4))
        found = response_log_probabilities(model.bfloat16(), batch)
    assert found.dtype == torch.float32
    lengths = torch.cat([batch["chosen_length"], batch["rejected_length"]])
    assert float(((found - exact) / lengths).abs().max()) < 0.1
