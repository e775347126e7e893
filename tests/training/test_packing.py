"""Packed rows and shared prompts: the log-probabilities of sequences read one by one, or a refusal."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from genius_bench.errors import InputError
from genius_bench.layers import validate
from genius_bench.recipe import TrainingSection
from genius_bench.training import attention
from genius_bench.training.attention import choose_attention
from genius_bench.training.collator import Collator
from genius_bench.training.layout import choose_layout
from genius_bench.training.log_probabilities import response_log_probabilities
from genius_bench.training.packing import PACKED, PADDED, SHARED
from genius_bench.training.segments import KERNELS, by_flash_attention, use_segments

from .models import VOCABULARY, assert_close, gradients, make_examples, one_by_one, tiny_model


def asking(**changes: Any) -> TrainingSection:
    return validate(TrainingSection, changes, "training")


@pytest.mark.parametrize("layout", [PACKED, SHARED])
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gpt2", "mixtral"])
def test_values_and_gradients_are_those_of_sequences_alone(kind: str, layout: Collator) -> None:
    model, examples = tiny_model(kind), make_examples(4)
    alone = one_by_one(model, examples)
    expected = gradients(model, alone @ torch.linspace(-1, 2, 8))
    chosen = choose_layout(model, examples, asking(packing=True, shared_prompts=layout.shared_prompts))
    assert chosen == layout
    found = response_log_probabilities(model, layout(examples))
    assert_close([found.detach()], [alone.detach()])
    assert_close(gradients(model, found @ torch.linspace(-1, 2, 8)), expected)


def test_gradient_checkpointing_passes_segments_on() -> None:
    model, examples = tiny_model("llama"), make_examples(4)
    use_segments(model)
    plain = gradients(model, response_log_probabilities(model, SHARED(examples)).sum())
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.train()
    assert_close(gradients(model, response_log_probabilities(model, SHARED(examples)).sum()), plain)


def test_a_prompt_is_read_once_and_a_demonstration_like_any() -> None:
    pair, demonstration = make_examples(2)
    demonstration = replace(demonstration, rejected=None)
    batch = SHARED([demonstration, pair])
    assert pair.rejected is not None
    tokens = [*demonstration.prompt, *demonstration.chosen, *pair.prompt, *pair.chosen, *pair.rejected]
    assert batch["input_ids"].tolist() == [tokens]
    model = tiny_model("llama")
    use_segments(model)
    found = response_log_probabilities(model, batch)
    expected = one_by_one(model, [pair])
    assert found[[1, 3]].tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert found[2] == 0


class LargestSquare(TorchDispatchMode):
    """The longest last two dimensions of anything that is made: what an attention mask of a row would show."""

    found = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else [result]:
            if isinstance(made, Tensor) and made.ndim > 1:
                self.found = max(self.found, min(made.shape[-2:]))
        return result


def test_no_mask_of_tokens_by_tokens_is_made() -> None:
    model, examples = tiny_model("llama"), make_examples(12)
    use_segments(model)
    batch = SHARED(examples)
    with LargestSquare() as watch:
        response_log_probabilities(model, batch).sum().backward()
    assert batch["input_ids"].numel() > 2 * VOCABULARY
    assert (
        watch.found <= VOCABULARY
    )  # which is more than the width of any layer and the length of any sequence


@pytest.mark.parametrize("kind", ["mistral", "bloom"])
def test_models_that_cannot_are_read_padded_with_their_own_attention(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model, examples = tiny_model(kind), make_examples(4)
    own, alone = model.config._attn_implementation, one_by_one(model, examples)
    assert choose_layout(model, examples, asking()) == PADDED
    assert model.config._attn_implementation == own
    assert_close([response_log_probabilities(model, PADDED(examples)).detach()], [alone.detach()])
    assert f"attention: {own} (" in (lines := capsys.readouterr().err)
    assert "rows of a micro batch: padded (" in lines
    with pytest.raises(InputError, match=r"--set training.shared_prompts=false"):
        choose_layout(model, examples, asking(shared_prompts=True))


def test_a_window_wider_than_all_rows_is_none() -> None:
    short = [
        replace(e, prompt=e.prompt[:3], chosen=e.chosen[:12], rejected=e.rejected[:12])
        for e in make_examples(4)
        if e.rejected is not None
    ]
    model = tiny_model("mistral")
    alone = one_by_one(model, short)
    assert choose_layout(model, short, asking()) == SHARED
    assert_close([response_log_probabilities(model, SHARED(short)).detach()], [alone.detach()])


def test_prompts_are_shared_where_that_saves_something() -> None:
    long = make_examples(4)
    short = [replace(e, prompt=e.prompt[:1], chosen=np.resize(e.chosen, 99)) for e in long]
    demonstrations = [replace(e, rejected=None) for e in long]
    assert choose_layout(tiny_model("llama"), long, asking()) == SHARED
    assert choose_layout(tiny_model("llama"), short, asking()) == PACKED
    assert choose_layout(tiny_model("qwen2"), demonstrations, asking()) == PACKED
    assert choose_layout(tiny_model("gpt2"), long, asking(shared_prompts=False)) == PACKED
    assert choose_layout(tiny_model("llama"), long, asking(packing=False)) == PADDED


def test_sharing_without_packing_is_refused() -> None:
    with pytest.raises(InputError, match=r"^training: shared_prompts needs packing"):
        asking(shared_prompts=True, packing=False)


@pytest.mark.parametrize(
    ("graphics", "installed", "precision", "reason"),
    [
        (False, True, "bfloat16", "there is no GPU"),
        (True, True, "float32", "training.precision is float32"),
        (True, False, "bfloat16", r"not installed \(pip install 'genius-bench\[flash-attn\]'\)"),
    ],
)
def test_flash_attention_that_is_not_there_is_refused(
    graphics: bool, installed: bool, precision: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: graphics)
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: installed)
    with pytest.raises(InputError, match=rf"^training.attention = 'flash_attention_2': .*{reason}"):
        choose_attention(tiny_model("llama"), "flash_attention_2", precision)


def test_attention_is_as_asked_for_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    model, examples = tiny_model("llama"), make_examples(4)
    alone = one_by_one(model, examples)
    assert choose_layout(model, examples, asking(attention="eager")) == PADDED
    assert model.config._attn_implementation == "eager"
    assert_close([response_log_probabilities(model, PADDED(examples)).detach()], [alone.detach()])
    assert "attention: eager (as asked for)" in capsys.readouterr().err


def flash_kernel(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
) -> Tensor:
    """What flash-attn documents of `flash_attn_varlen_func`: sequences end to end, [tokens, heads, width]; with fewer
    queries than keys, the last query sees the last key."""
    assert causal
    results = []
    assert max_seqlen_q == int(cu_seqlens_q.diff().max())
    assert max_seqlen_k == int(cu_seqlens_k.diff().max())
    for (start, end), (first, last) in zip(
        pairwise(cu_seqlens_q.tolist()), pairwise(cu_seqlens_k.tolist()), strict=True
    ):
        queries, keys, values = q[start:end], k[first:last], v[first:last]
        group = queries.shape[1] // keys.shape[1]
        keys, values = keys.repeat_interleave(group, dim=1), values.repeat_interleave(group, dim=1)
        scale = softmax_scale or 1 / math.sqrt(q.shape[-1])
        scores = torch.einsum("qhw,khw->hqk", queries, keys) * scale
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(len(keys) - len(queries) + 1)
        results.append(
            torch.einsum("hqk,khw->qhw", scores.masked_fill(hidden, -math.inf).softmax(-1), values)
        )
    return torch.cat(results)


@pytest.mark.parametrize("layout", [PACKED, SHARED])
def test_the_flash_kernel_is_called_as_it_documents(
    layout: Collator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel itself needs a GPU; in its place is what its documentation says."""
    from transformers import modeling_flash_attention_utils as flash

    functions = (
        lambda query, *_, **__: query,
        flash_kernel,
        None,
        None,
        None,
    )  # the first for the question of the head
    process = flash._lazy_define_process_function(flash_kernel)
    monkeypatch.setattr(flash, "lazy_import_flash_attention", lambda *_: (functions, (process, None)))
    monkeypatch.setitem(KERNELS, "sdpa", ("segments_varlen", by_flash_attention))
    model, examples = tiny_model("llama"), make_examples(4)
    alone = one_by_one(model, examples)
    assert use_segments(model)
    found = response_log_probabilities(model, layout(examples))
    assert_close([found.detach()], [alone.detach()])
    weights = torch.linspace(-1, 2, 8)
    assert_close(gradients(model, found @ weights), gradients(model, alone @ weights))
