"""Tiny random models of many architectures, examples for them, and what they say of sequences read one by one."""

import random
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from genius_bench.training.examples import Example

VOCABULARY = 97

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
}
GPT2: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "vocab_size": VOCABULARY}
BLOOM: dict[str, Any] = {"hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": VOCABULARY}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": SIZES,
    "qwen2": SIZES | {"tie_word_embeddings": True},
    "qwen3": SIZES | {"head_dim": 16},
    "gpt2": GPT2 | {"initializer_range": 0.3},  # absolute positions
    "mixtral": SIZES | {"num_local_experts": 4},
    "mistral": SIZES | {"sliding_window": 16},
    "gemma2": SIZES | {"head_dim": 16, "sliding_window": 128},  # caps its logits
    "cohere": SIZES | {"logit_scale": 0.5},  # scales its logits
    "bloom": BLOOM | {"initializer_range": 0.3},  # biases by distance, kernel of its own
}


def tiny_model(kind: str, seed: int = 0) -> Any:
    """Float32, no dropout, weights so large that every token matters."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, **ARCHITECTURES[kind])
    model = AutoModelForCausalLM.from_config(config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def make_examples(count: int = 4, *, longest: int = 30, seed: int = 0) -> list[Example]:
    """Pairs of unequal lengths, the first response of a single token."""
    draw = random.Random(seed)

    def ids(length: int) -> np.ndarray:
        return np.array([draw.randrange(3, VOCABULARY) for _ in range(length)], dtype=np.int32)

    return [
        Example(
            id=f"pair-{number}",
            prompt=ids(draw.randint(1, 12)),
            chosen=ids(draw.randint(2, longest) if number else 1),
            rejected=ids(draw.randint(1, longest)),
        )
        for number in range(count)
    ]


def one_by_one(model: Any, examples: list[Example]) -> torch.Tensor:
    """Log-probabilities of all chosen, then of all rejected responses, from the plain logits of each sequence alone."""
    sums = []
    for side in ("chosen", "rejected"):
        for example in examples:
            response = getattr(example, side)
            ids = torch.from_numpy(np.concatenate([example.prompt, response])).long()
            logits = model(input_ids=ids[None], use_cache=False).logits[0]
            scores = logits.float().log_softmax(-1)[torch.arange(len(ids) - 1), ids[1:]]
            sums.append(scores[-len(response) :].sum())
    return torch.stack(sums)


def gradients(model: Any, value: torch.Tensor) -> list[torch.Tensor]:
    """Of every weight that is trained; zeros where it has no part in `value`."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    found = torch.autograd.grad(value, weights, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]


def assert_close(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    """To 1e-5 of the largest value of each tensor."""
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, float(other.abs().max()))
        torch.testing.assert_close(one / scale, other / scale, rtol=0, atol=1e-5)
