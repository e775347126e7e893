"""A teacher: a second policy that follows the trained one at a distance, for methods that ask it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from genius_bench.training.saved_state import write_tensors

FILE = "teacher.safetensors"


class Teacher:
    """A moving average of a model's trained weights; all others are the model's own."""

    def __init__(self, model: Any) -> None:
        self.model = deepcopy(model).eval().requires_grad_(False)
        self._followed = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        own: dict[str, nn.Parameter] = dict(self.model.named_parameters())
        self._own = {name: own[name].data for name in self._followed}

    @torch.no_grad()
    def follow(self, weight: float) -> None:
        """Moves by a share of the way to the policy."""
        for name, own in self._own.items():
            own.lerp_(self._followed[name].data, weight)

    def save(self, state: Path) -> None:
        """Into the folder of a state, on disk when this returns."""
        write_tensors({name: own.cpu().contiguous() for name, own in self._own.items()}, state / FILE)

    def restore(self, state: Path) -> None:
        for name, saved in load_file(state / FILE).items():
            self._own[name].copy_(saved)
