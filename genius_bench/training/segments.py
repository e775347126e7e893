"""Attention among sequences that lie end to end in one row: each token reads its own sequence and nothing else.

Nothing is computed that is not read, and no mask of tokens × tokens exists. A model comes to it by `use_segments`, and
is then told with every row (`segments=…`) how the row is cut.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.integrations.flash_attention import get_target_dtype
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_flash_attention_utils import _flash_attention_forward


@dataclass(frozen=True)
class Segments:
    """How a row is cut: (start, end, prefix start, prefix end) of each segment; together they cover the row.

    Tokens from `start` up to `end` read each other causally, and all of the prefix: a stretch at the beginning of an
    earlier segment (0, 0 where there is none).
    """

    bounds: tuple[tuple[int, int, int, int], ...]

    @cached_property
    def lengths(self) -> list[int]:
        return [end - start for start, end, _, _ in self.bounds]

    @cached_property
    def prefixes(self) -> list[tuple[int, int]]:
        """Number of the segment that a prefix begins, and the prefix's length."""
        number = {start: index for index, (start, _, _, _) in enumerate(self.bounds)}
        return [(number.get(first, 0), last - first) for _, _, first, last in self.bounds]

    @cached_property
    def read_lengths(self) -> list[int]:
        return [length + prefix for length, (_, prefix) in zip(self.lengths, self.prefixes, strict=True)]

    @cached_property
    def read(self) -> Tensor:
        """Places that are read: those of every segment with its prefix before it."""
        spans = [(first, last) for bound in self.bounds for first, last in (bound[2:], bound[:2])]
        return torch.cat([torch.arange(first, last) for first, last in spans])


Attended = tuple[Tensor, None]


def by_sdpa(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    segments: Segments | None = None,
    **options: Any,
) -> Attended:
    """PyTorch's scaled dot-product attention, segment by segment; plainly causal where there are none.

    Tensors have shape [1, heads, tokens, width] and the result [1, tokens, heads, width].
    """
    if segments is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    # Split once: the gradient of a slice is as large as the whole, that of a split is a concatenation.
    queries, keys, values = (tensor.split(segments.lengths, dim=2) for tensor in (query, key, value))
    attended = []
    for own, (owner, prefix) in enumerate(segments.prefixes):
        mask, read_keys, read_values = None, keys[own], values[own]
        if prefix:
            read_keys = torch.cat([keys[owner][:, :, :prefix], read_keys], dim=2)
            read_values = torch.cat([values[owner][:, :, :prefix], read_values], dim=2)
            square = torch.ones(segments.lengths[own], segments.read_lengths[own], device=query.device)
            mask = square.bool().tril(prefix)[None, None]
        result, _ = sdpa_attention_forward(module, queries[own], read_keys, read_values, mask, **options)
        attended.append(result)
    return torch.cat(attended, dim=1), None


def by_flash_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    segments: Segments | None = None,
    scaling: float | None = None,
    **options: Any,
) -> Attended:
    """FlashAttention's kernel for sequences of unequal lengths, where the last query reads up to the last key: keys and
    values of a prefix are laid before its segment. Shapes as in `by_sdpa`."""
    query, key, value = (tensor.transpose(1, 2) for tensor in (query, key, value))
    if segments is not None:
        places = segments.read.to(key.device)
        key, value = key[:, places], value[:, places]
        options |= {
            "cu_seq_lens_q": _boundaries(segments.lengths, query.device),
            "cu_seq_lens_k": _boundaries(segments.read_lengths, query.device),
            "max_length_q": max(segments.lengths),
            "max_length_k": max(segments.read_lengths),
        }
    attended = _flash_attention_forward(
        query,
        key,
        value,
        attention_mask,
        query_length=query.shape[1],
        is_causal=True,
        softmax_scale=scaling,
        target_dtype=get_target_dtype(query, module),
        attn_implementation="flash_attention_2",
        **options | {"position_ids": None},
    )
    return attended, None


def _boundaries(lengths: list[int], device: torch.device) -> Tensor:
    return torch.tensor([0, *lengths], device=device).cumsum(0, dtype=torch.int32)


KERNELS: dict[str, tuple[str, Callable[..., Attended]]] = {
    "sdpa": ("segments_sdpa", by_sdpa),
    "flash_attention_2": ("segments_varlen", by_flash_attention),
}
"""What a model's own attention becomes. No mask function is registered under the new names, by which transformers
knows that it need not build a mask; and one with "flash" in it would be looked for on the hub."""


def use_segments(model: Any) -> bool:
    """Makes a model's attention follow segments, with the kernel that it has; False where that is not possible."""
    if model.config._attn_implementation not in KERNELS:
        return False
    name, function = KERNELS[model.config._attn_implementation]
    AttentionInterface.register(name, function)
    model.set_attn_implementation(name)
    return follows_segments(model)


def follows_segments(model: Any) -> bool:
    """Whether `use_segments` was possible, and is not undone."""
    return model.config._attn_implementation in {name for name, _ in KERNELS.values()}
