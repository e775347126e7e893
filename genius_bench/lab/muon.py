"""Muon in single precision, for CPUs without fast bfloat16 (torch's own orthogonalises in bfloat16)."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STACK = 4
"""Matrices orthogonalised at a time; the stacks are shared among threads."""


@torch.no_grad()
def orthogonalise(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Replace the singular values of each stacked matrix by about one (Newton-Schulz iteration)."""
    a, b, c = COEFFICIENTS
    wide = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT
    x = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrices else x.mT


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; matrices of one shape are handled as stacks."""

    def __init__(self, matrices: Iterable[torch.Tensor], lr: float, pool: ThreadPoolExecutor) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": 0.95, "decay": 0.01})
        self.pool = pool

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix; the step's size per entry is about that of AdamW at the same rate."""
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for matrix in group["params"]:
                by_shape[matrix.shape].append(matrix)
            stacks = [same[i : i + STACK] for same in by_shape.values() for i in range(0, len(same), STACK)]
            momenta = [torch.stack([self._momentum(m, group["momentum"]) for m in stack]) for stack in stacks]
            for stack, directions in zip(stacks, self.pool.map(orthogonalise, momenta), strict=True):
                size = 0.2 * max(stack[0].shape) ** 0.5 * group["lr"]
                for matrix, direction in zip(stack, directions, strict=True):
                    matrix.mul_(1 - group["lr"] * group["decay"]).add_(direction, alpha=-size)

    def _momentum(self, matrix: torch.Tensor, momentum: float) -> torch.Tensor:
        assert matrix.grad is not None
        average = self.state[matrix].setdefault("average", torch.zeros_like(matrix))
        average.lerp_(matrix.grad, 1 - momentum)
        return torch.lerp(matrix.grad, average, momentum)
