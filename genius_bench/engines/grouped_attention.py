"""Attention of one new token where several heads share keys and values, without copies of these.

transformers' own function for PyTorch's attention repeats keys and values for every head as soon as there is a mask, in
every layer and at every token: for SmolLM2, whose cache serves three heads each, that moved more memory than all of its
weights. For a single query the heads that share keys can as well be several queries to one head.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "sdpa_grouped"


@contextmanager
def sharing_heads(model: Any) -> Iterator[None]:
    """In which a model attends as `grouped` does, where it makes a difference; then as it did before."""
    shares = any(getattr(module, "num_key_value_groups", 1) > 1 for module in model.modules())
    if not shares or model.config._attn_implementation != "sdpa":
        yield
        return
    AttentionInterface.register(NAME, grouped)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation("sdpa")


def grouped(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """As transformers asks for it: query [rows, heads, queries, head size] → [rows, queries, heads, head size]."""
    rows, heads, queries, size = query.shape
    groups = heads // key.shape[1]
    if queries > 1 or groups == 1 or others.get("position_bias") is not None:
        result: tuple[torch.Tensor, torch.Tensor | None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
        return result
    sharing = query.reshape(rows, heads // groups, groups, size)
    found = scaled_dot_product_attention(
        sharing, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return found.reshape(rows, 1, heads, value.shape[-1]), None
