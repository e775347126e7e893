"""A key-value cache that appends in place and lets rows of a running batch come and go."""

from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicLayer


class GrowingLayer(DynamicLayer):
    """Writes new states into spare room instead of copying the whole cache at every token.

    States have the shape [rows, heads, columns, head size]; the room doubles when it runs out.
    """

    keys: torch.Tensor
    values: torch.Tensor

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys = self._append("_key_room", self.keys, key_states)
        self.values = self._append("_value_room", self.values, value_states)
        return self.keys, self.values

    def _append(self, name: str, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        rows, heads, count, size = new.shape
        length = old.shape[-2] if old.numel() else 0
        room: torch.Tensor | None = getattr(self, name, None)
        if room is None or room.shape[0] != rows or room.shape[-2] < length + count:
            room = new.new_empty(rows, heads, max(64, 2 * (length + count)), size)
            if length:
                room[:, :, :length] = old
            setattr(self, name, room)
        room[:, :, length : length + count] = new
        return room[:, :, : length + count]


def new_cache() -> Cache:
    return Cache(layer_class_to_replicate=GrowingLayer)


def joined(parts: list[tuple[Cache, torch.Tensor, int]]) -> Cache:
    """One cache from the given rows of several: each part is (cache, rows, columns to keep, counted from the right).

    Narrower parts get empty columns on their left, which the attention mask hides.
    """
    width = max(columns for _, _, columns in parts)
    result = new_cache()
    for index in range(len(parts[0][0].layers)):
        layers = [(cache.layers[index], rows, columns) for cache, rows, columns in parts]
        keys = torch.cat(
            [_right_aligned(layer.keys, rows, columns, width) for layer, rows, columns in layers]
        )
        values = torch.cat(
            [_right_aligned(layer.values, rows, columns, width) for layer, rows, columns in layers]
        )
        result.update(keys, values, index)
    return result


def _right_aligned(states: torch.Tensor, rows: torch.Tensor, columns: int, width: int) -> torch.Tensor:
    return pad(states[rows, :, states.shape[-2] - columns :], (0, 0, width - columns, 0))
