"""Whether a model reads packed rows as it reads sequences alone: measured, because architectures and attention kernels
differ, and refused where its configuration names a window that would be lost."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genius_bench.errors import InputError, first_line
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example
from genius_bench.training.log_probabilities import response_log_probabilities
from genius_bench.training.output_head import unwrapped, vocabulary_of
from genius_bench.training.segments import follows_segments
from genius_bench.training.windows import lost_window

PADDED, PACKED, SHARED = Collator(packing=False), Collator(packing=True), Collator(True, shared_prompts=True)


class PackingCheck:
    """What the model says of two examples side by side, to hold packed rows against."""

    def __init__(self, model: Any, examples: Sequence[Example], rows: int, *, exact: bool = True) -> None:
        """To be made while the model has its own attention; `rows` are those of a micro batch, `exact` says that the
        model computes in float32."""
        # What is not read from far away shows in long sequences only, and a place that is counted from the beginning
        # of the row at the end of a long row: the two come last in the longest row that training could meet.
        by_length = sorted(examples, key=lambda example: example.longest_sequence)
        self._measured = [by_length[0], by_length[-1]]
        self._before = by_length[1:-1][max(0, len(by_length) - rows) :] or by_length[-1:]
        self._model = model
        self._exact = exact
        self._separate = self._per_token(PADDED, self._measured)

    def __call__(self, collator: Collator) -> None:
        """Raises `InputError` unless packed rows have the log-probabilities of sequences alone, and those of other
        sequences stay as they are when one response is changed (which tells more where numbers are coarse).

        Windows are not left to measuring: one that is lost may cost few tokens of few sequences a lot.
        """
        inner, longest = unwrapped(self._model), self._measured[-1].longest_sequence
        segments = follows_segments(inner)
        if collator.shared_prompts and not segments:
            raise self._refusal(
                collator, f"shares no prompts with attention '{inner.config._attn_implementation}'"
            )
        if window := lost_window(inner.config, longest, segments=segments):
            raise self._refusal(
                collator,
                f"has a window of {window} tokens, which rows of sequences of up to {longest} would lose",
            )
        first, *others = [*self._before, *self._measured]
        other = replace(first, chosen=(first.chosen + 1) % vocabulary_of(self._model))
        try:
            together = self._per_token(collator, [first, *others])
            moved = (self._per_token(collator, [other, *others]) - together).flatten()[1:].abs().max()
        except (RuntimeError, TypeError, ValueError) as error:
            raise self._refusal(collator, first_line(error)) from error
        if moved > (1e-6 if self._exact else 1e-3):
            raise self._refusal(collator, "lets packed rows see each other")
        if (together[:, -2:] - self._separate).abs().max() > (1e-4 if self._exact else 2e-2):
            raise self._refusal(collator, "does not read packed rows as it reads sequences alone")

    @torch.no_grad()
    def _per_token(self, collator: Collator, examples: list[Example]) -> Tensor:
        """Mean log-probability of the response tokens of each sequence, shape [2, examples]: chosen, then rejected."""
        device = next(unwrapped(self._model).parameters()).device
        batch = {name: values.to(device) for name, values in collator(examples).items()}
        lengths = torch.cat([batch["chosen_length"], batch["rejected_length"]]).clamp(min=1)
        self._model.eval()
        return (response_log_probabilities(self._model, batch) / lengths).view(2, -1)

    def _refusal(self, collator: Collator, why: str) -> InputError:
        option = "shared_prompts" if collator.shared_prompts else "packing"
        return InputError(
            f"{type(unwrapped(self._model)).__name__} {why}: --set training.{option}=false "
            "(or load it with another attention implementation)"
        )
