"""Whether a model reads packed rows as it reads sequences alone: measured, because architectures and attention kernels
differ."""

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

PADDED, PACKED, SHARED = Collator(packing=False), Collator(packing=True), Collator(True, shared_prompts=True)


class PackingCheck:
    """What the model says of two examples side by side, to hold packed rows against."""

    def __init__(self, model: Any, examples: Sequence[Example], *, exact: bool = True) -> None:
        """To be made while the model has its own attention; `exact` says that it computes in float32."""
        # Attention windows show in long examples only.
        longest = max(examples, key=lambda example: example.tokens)
        self._model = model
        self._sample = [longest, next((example for example in examples if example is not longest), longest)]
        self._exact = exact
        self._separate = self._per_token(PADDED)

    def __call__(self, collator: Collator) -> None:
        """Raises `InputError` unless packed rows have the log-probabilities of sequences alone, and those of other
        sequences stay as they are when one response is changed (which tells more where numbers are coarse)."""
        try:
            together = self._per_token(collator)
            moved = (self._per_token(collator, changed=True) - together)[1:].abs().max()
        except (RuntimeError, TypeError, ValueError) as error:
            raise self._refusal(collator, first_line(error)) from error
        if moved > (1e-6 if self._exact else 1e-3):
            raise self._refusal(collator, "lets packed rows see each other")
        if (together - self._separate).abs().max() > (1e-4 if self._exact else 2e-2):
            raise self._refusal(collator, "does not read packed rows as it reads sequences alone")

    @torch.no_grad()
    def _per_token(self, collator: Collator, changed: bool = False) -> Tensor:
        """Mean log-probability of each sequence's response tokens; the first response may be another one."""
        first, second = self._sample
        if changed:
            first = replace(first, chosen=(first.chosen + 1) % vocabulary_of(self._model))
        device = next(unwrapped(self._model).parameters()).device
        batch = {name: values.to(device) for name, values in collator([first, second]).items()}
        lengths = torch.cat([batch["chosen_length"], batch["rejected_length"]]).clamp(min=1)
        self._model.eval()
        return response_log_probabilities(self._model, batch) / lengths

    def _refusal(self, collator: Collator, why: str) -> InputError:
        option = "shared_prompts" if collator.shared_prompts else "packing"
        return InputError(
            f"{type(unwrapped(self._model)).__name__} {why}: --set training.{option}=false "
            "(or load it with another attention implementation)"
        )


def check_packing(model: Any, examples: Sequence[Example]) -> None:
    """Raises `InputError` for a model that lets packed rows see each other."""
    PackingCheck(model, examples)(PACKED)
