"""Attention windows, chunks and scales of positions: packed rows say what their sequences say alone, or are refused."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from genius_bench.errors import InputError
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example
from genius_bench.training.layout import choose_layout
from genius_bench.training.log_probabilities import response_log_probabilities
from genius_bench.training.packing import PACKED, PADDED, SHARED
from genius_bench.training.windows import lost_window

from .models import SIZES, VOCABULARY, one_by_one, tiny_model
from .test_packing import asking

HALF = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16, "head_dim": 16}
PAD = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
LLAMA4 = SIZES | {
    "head_dim": 16,
    "num_local_experts": 2,
    "intermediate_size_mlp": 48,
    "no_rope_layers": [1, 0],
}

WINDOWED: dict[str, dict[str, Any]] = {
    "mistral": SIZES | {"sliding_window": 16},
    "qwen2": SIZES | {"sliding_window": 16, "use_sliding_window": True, "max_window_layers": 1},
    "gemma2": SIZES | {"sliding_window": 16, "head_dim": 16},
    "gemma3_text": SIZES | HALF,
    "phi3": SIZES | PAD | {"sliding_window": 16},
    "cohere2": SIZES | PAD | HALF,
    "olmo3": SIZES | PAD | HALF,
    "llama4_text": LLAMA4
    | {"attention_chunk_size": 16, "layer_types": ["chunked_attention", "full_attention"]},
}


def model_of(kind: str, settings: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings)).eval()


def pairs(*lengths: tuple[int, int, int]) -> list[Example]:
    """Of so many tokens: prompt, chosen, rejected."""
    draw = random.Random(0)

    def ids(length: int) -> np.ndarray:
        return np.array([draw.randrange(3, VOCABULARY) for _ in range(length)], dtype=np.int32)

    return [
        Example(id=str(number), prompt=ids(prompt), chosen=ids(chosen), rejected=ids(rejected))
        for number, (prompt, chosen, rejected) in enumerate(lengths)
    ]


ONE_LONG = pairs((3, 13, 13), (3, 13, 13), (3, 22, 2))
"""Fewer tokens in all than the others, in the only sequence that crosses a window of 16."""

SHORT = pairs((3, 13, 13), (9, 7, 3), (3, 12, 2), (1, 4, 15), (8, 8, 8))


def assert_as_alone(layout: Collator, model: Any, examples: list[Example], alone: torch.Tensor) -> None:
    found = response_log_probabilities(model, layout(examples))
    assert found.tolist() == pytest.approx(alone.tolist(), abs=1e-4 * 30)  # 1e-4 a token


@pytest.mark.parametrize("kind", WINDOWED)
def test_one_sequence_that_crosses_a_window_is_enough(kind: str) -> None:
    """The model's own masks know windows, and are packed where that is asked for; chunks they count along the row."""
    model = model_of(kind, WINDOWED[kind])
    alone = one_by_one(model, ONE_LONG).detach()
    layout = choose_layout(model, ONE_LONG, asking())
    assert layout == PADDED
    assert_as_alone(layout, model, ONE_LONG, alone)
    loses = "a window of 16 tokens, which rows of sequences of up to 25 would lose"
    packed = asking(packing=True, shared_prompts=False)
    if kind == "llama4_text":
        with pytest.raises(InputError, match=loses):
            choose_layout(model, ONE_LONG, packed)
    else:
        assert choose_layout(model, ONE_LONG, packed) == PACKED
        assert_as_alone(PACKED, model, ONE_LONG, alone)
    with pytest.raises(InputError, match=loses):
        choose_layout(model, ONE_LONG, asking(shared_prompts=True))


@pytest.mark.parametrize("kind", WINDOWED)
def test_sequences_within_a_window_share_prompts(kind: str) -> None:
    model = model_of(kind, WINDOWED[kind])
    alone = one_by_one(model, SHORT).detach()
    layout = choose_layout(model, SHORT, asking())
    assert layout == SHARED
    assert_as_alone(layout, model, SHORT, alone)


@pytest.mark.parametrize(
    "settings", [{"use_sliding_window": False}, {"use_sliding_window": True, "max_window_layers": 2}]
)
def test_a_window_that_no_layer_has_is_none(settings: dict[str, Any]) -> None:
    """Qwen2.5's configurations name a window and the layer from which on it would be used, which is never reached."""
    model = model_of("qwen2", SIZES | {"sliding_window": 16} | settings)
    alone = one_by_one(model, ONE_LONG).detach()
    layout = choose_layout(model, ONE_LONG, asking())
    assert layout == SHARED
    assert_as_alone(layout, model, ONE_LONG, alone)


def test_a_window_is_refused_where_next_to_nothing_is_lost() -> None:
    """One token of one sequence misses one other: less, on average, than what measuring allows for."""
    model = tiny_model("mistral")
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 0.1
    with pytest.raises(InputError, match="has a window of 16 tokens"):
        choose_layout(model, pairs((3, 14, 2), (3, 13, 13)), asking(shared_prompts=True))


def test_chunks_are_not_counted_from_the_beginning_of_a_row() -> None:
    model = model_of("llama4_text", WINDOWED["llama4_text"])
    with pytest.raises(InputError, match="has a window of 16 tokens"):
        choose_layout(model, pairs((3, 5, 5), (3, 5, 5)), asking(packing=True, attention="eager"))


def test_a_row_is_tried_as_long_as_training_could_meet() -> None:
    """Llama 4 scales queries by their place in the row, from the 70th on: two of these pairs end before that."""
    settings = LLAMA4 | {"floor_scale": 70, "attn_scale": 3.0, "attn_temperature_tuning": True}
    model = model_of("llama4_text", settings | {"attention_chunk_size": 64})
    alone = one_by_one(model, SHORT).detach()
    layout = choose_layout(model, SHORT, asking())
    assert layout == PADDED
    assert_as_alone(layout, model, SHORT, alone)
    assert choose_layout(model, SHORT, asking(micro_batch_size=1)) == SHARED


DEEPSEEK = {
    "n_routed_experts": 2,
    "num_experts_per_tok": 1,
    "n_group": 1,
    "topk_group": 1,
    "moe_intermediate_size": 32,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 8,
    "index_head_dim": 16,
    "index_n_heads": 2,
}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("doge", PAD | {"keep_window_size": 16}), ("deepseek_v32", DEEPSEEK | {"index_topk": 16})],
)
@pytest.mark.parametrize("segments", [True, False])
def test_what_is_chosen_in_a_row_is_not_chosen_in_its_sequences(
    kind: str, settings: dict[str, Any], segments: bool
) -> None:
    """The sequences are shorter than what a layer reads, the row that holds them is not."""
    config = AutoConfig.for_model(kind, **SIZES | settings)
    assert lost_window(config, 8, segments=segments) == 16
    assert lost_window(AutoConfig.for_model("llama", **SIZES), 8, segments=segments) is None


def test_doge_is_padded() -> None:
    model = model_of("doge", SIZES | PAD | {"keep_window_size": 16})
    alone = one_by_one(model, SHORT).detach()
    layout = choose_layout(model, SHORT, asking())
    assert layout == PADDED
    assert_as_alone(layout, model, SHORT, alone)
    with pytest.raises(InputError, match="has a window of 16 tokens"):
        choose_layout(model, SHORT, asking(packing=True))


LONGROPE = {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [3.0] * 4, "rope_theta": 1e4}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (
            "phi3",
            PAD
            | {
                "original_max_position_embeddings": 16,
                "rope_parameters": LONGROPE | {"original_max_position_embeddings": 16},
            },
        ),
        (
            "llama",
            {
                "max_position_embeddings": 16,
                "rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4},
            },
        ),
    ],
)
def test_positions_that_hang_on_the_longest_sequence_of_a_batch_are_refused(
    kind: str, settings: dict[str, Any]
) -> None:
    model = model_of(kind, SIZES | settings)
    with pytest.raises(InputError, match=r"longer than 16 tokens.*--set training.max_length=16"):
        choose_layout(model, ONE_LONG, asking(packing=False))
    alone = one_by_one(model, SHORT).detach()
    assert_as_alone(choose_layout(model, SHORT, asking()), model, SHORT, alone)
