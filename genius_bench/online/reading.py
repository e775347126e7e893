"""How the trainer reads a step's responses: behind one prompt a group, end to end, where the model can."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genius_bench.online.rollouts import Row
from genius_bench.printing import note
from genius_bench.recipe import TrainingSection
from genius_bench.training.collator import Batch, Collator
from genius_bench.training.examples import Example
from genius_bench.training.layout import first_without_fault
from genius_bench.training.log_probabilities import token_log_probabilities
from genius_bench.training.output_head import unwrapped
from genius_bench.training.packing import PACKED, PADDED, SHARED, PackingCheck
from genius_bench.training.segments import follows_segments, use_segments

NAMES = {PADDED: "padded", PACKED: "packed", SHARED: "packed, the prompt of a group once"}


class Reading:
    """The layout of micro batches, chosen when the first rows are there, and the attention that goes with it.

    The sampler needs the model's own attention, so that the other one is on only inside `attending`.
    """

    def __init__(self, training: TrainingSection, precision: str, say: Callable[[str], None] = note) -> None:
        self._say = say
        self._training, self._exact = training, precision == "float32"
        self._collate: Collator | None = None
        self._segments = False

    def choose(self, model: Any, rows: Sequence[Row]) -> None:
        """As asked for, or as lean as the model reads these rows without fault.

        Raises `InputError` where what was asked for cannot be had.
        """
        if self._collate is not None:
            return
        inner, examples = unwrapped(model), examples_of(rows)
        own, layouts, remark = inner.config._attn_implementation, _layouts(self._training), ""
        self._collate = layouts[-1]
        if layouts != [PADDED]:
            check = PackingCheck(model, examples, self._training.micro_batch_size, exact=self._exact)
            self._collate, remark = first_without_fault(model, layouts, check)
            self._segments = follows_segments(inner)
            inner.set_attn_implementation(own)
        self._say(f"rows of a micro batch: {NAMES[self._collate]}{remark}")

    @contextmanager
    def attending(self, *models: Any) -> Iterator[None]:
        """In which models read what `batch` lays out, and learn from it."""
        inner = [unwrapped(model) for model in models if model is not None and self._segments]
        own = [model.config._attn_implementation for model in inner]
        for model in inner:
            use_segments(model)
        try:
            yield
        finally:
            for model, attention in zip(inner, own, strict=True):
                model.set_attn_implementation(attention)

    def batch(self, rows: Sequence[Row], device: torch.device) -> Batch:
        assert self._collate is not None
        return {name: values.to(device) for name, values in self._collate(examples_of(rows)).items()}


def log_probabilities(model: Any, batch: Batch) -> Tensor:
    """Of the response tokens of every row, [rows, tokens], 0 behind shorter ones."""
    return by_row(token_log_probabilities(model, batch), batch)


def by_row(tokens: Tensor, batch: Batch) -> Tensor:
    """Values of all response tokens, one after the other, as [rows, tokens] with zeros behind the shorter ones."""
    lengths = batch["chosen_length"].long()
    places = torch.arange(int(lengths.max()), device=tokens.device)
    mask = places[None, :] < lengths[:, None]
    return torch.zeros(mask.shape, dtype=tokens.dtype, device=tokens.device).masked_scatter(mask, tokens)


def examples_of(rows: Sequence[Row]) -> list[Example]:
    """Neighbours with the same prompt have it as one object, which is what a layout shares."""
    prompts: list[Any] = []
    for row in rows:
        ids = np.asarray(row["prompt_ids"], dtype=np.int32)
        same = bool(prompts) and np.array_equal(prompts[-1], ids)
        prompts.append(prompts[-1] if same else ids)
    return [
        Example(id=row["id"], prompt=prompt, chosen=np.asarray(row["response_ids"], dtype=np.int32))
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def _layouts(training: TrainingSection) -> list[Collator]:
    """From the leanest to the one that is taken where no leaner one will do."""
    if training.packing is False:
        return [PADDED]
    if training.shared_prompts is True:
        return [SHARED]
    lean = [PACKED] if training.shared_prompts is False else [SHARED, PACKED]
    return lean if training.packing is True else [*lean, PADDED]
