"""A key-value cache that appends in place and lets rows of a running batch come and go."""

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer


class Columns:
    """States [rows, heads, columns, head size] in a buffer with spare columns, so that appending copies nothing."""

    def __init__(self, states: torch.Tensor, end: int) -> None:
        self._buffer = states
        self._start, self._end = 0, end

    @property
    def states(self) -> torch.Tensor:
        return self._buffer[:, :, self._start : self._end]

    def append(self, new: torch.Tensor) -> None:
        count = new.shape[-2]
        if self._end + count > self._buffer.shape[-2]:
            self._move(self._end - self._start, count)
        self._buffer[:, :, self._end : self._end + count] = new
        self._end += count

    def put(self, places: torch.Tensor, states: torch.Tensor) -> None:
        """Other rows take over `places`, aligned on the right."""
        width = states.shape[-2]
        if width > self._end:
            self._move(width, width)
        self._buffer[places, :, self._end - width : self._end] = states

    def keep(self, width: int) -> None:
        """Only the newest `width` columns count from now on."""
        self._start = self._end - width

    def _move(self, end: int, spare: int) -> None:
        """Into a larger buffer in which the newest column is the one before `end`."""
        old = self.states
        width = old.shape[-2]
        self._buffer = _spacious(old, len(old), end + spare)
        self._buffer[:, :, end - width : end] = old
        self._start, self._end = end - width, end


class GrowingLayer(DynamicLayer):
    """One layer's keys and values as `Columns`."""

    columns: tuple[Columns, Columns]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            width = key_states.shape[-2]
            self.hold(Columns(key_states, width), Columns(value_states, width))
        else:
            for columns, new in zip(self.columns, (key_states, value_states), strict=True):
                columns.append(new)
            self.show()
        return self.keys, self.values

    def hold(self, keys: Columns, values: Columns) -> None:
        self.columns = (keys, values)
        self.show()

    def show(self) -> None:
        """`keys` and `values`, which transformers looks at, after the columns have changed."""
        self.keys, self.values = (columns.states for columns in self.columns)


def new_cache() -> Cache:
    return Cache(layer_class_to_replicate=GrowingLayer)


def joined(parts: list[tuple[Cache, torch.Tensor, int]]) -> Cache:
    """One cache from the given rows of several: each part is (cache, rows, columns to keep, counted from the right).

    Narrower parts get empty columns on their left, which the attention mask hides.
    """
    result = new_cache()
    for index in range(len(parts[0][0].layers)):
        layers = [(cache.layers[index], rows, columns) for cache, rows, columns in parts]
        layer = GrowingLayer()
        layer.lazy_initialization(layers[0][0].keys, layers[0][0].values)
        layer.hold(
            _stacked([(old.keys, rows, columns) for old, rows, columns in layers]),
            _stacked([(old.values, rows, columns) for old, rows, columns in layers]),
        )
        result.layers.append(layer)
    return result


def replace_rows(cache: Cache, places: torch.Tensor, other: Cache, sources: torch.Tensor, width: int) -> None:
    """Rows `sources` of another cache take over `places`; `width` is how many of their columns they need."""
    for layer, arriving in zip(cache.layers, other.layers, strict=True):
        for columns, states in zip(layer.columns, (arriving.keys, arriving.values), strict=True):
            columns.put(places, states[sources, :, states.shape[-2] - width :])


def keep_columns(cache: Cache, width: int) -> None:
    """Forgets all but the newest `width` columns."""
    for layer in cache.layers:
        for columns in layer.columns:
            columns.keep(width)
        layer.show()


def _stacked(parts: list[tuple[torch.Tensor, torch.Tensor, int]]) -> Columns:
    width = max(columns for _, _, columns in parts)
    buffer = _spacious(parts[0][0], sum(len(rows) for _, rows, _ in parts), width)
    start = 0
    for states, rows, columns in parts:
        place = buffer[start : start + len(rows), :, width - columns : width]
        place.copy_(states[rows, :, states.shape[-2] - columns :])
        start += len(rows)
    return Columns(buffer, width)


def _spacious(like: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Twice the columns that are needed. Zeros: what a mask hides must still be finite."""
    return like.new_zeros(rows, like.shape[1], max(64, 2 * columns), like.shape[-1])
