"""What a token counts in the loss of a step, by the lengths of all responses of the optimiser step.

The loss is Σ_i w_i Σ_t ℓ_{i,t}. Each function gives w, [responses], so the sum may be cut into any micro batches and
processes. Lengths count tokens in the loss; a response that the loss leaves out has 0 and still counts as a response.
"""

import torch
from torch import Tensor

from genius_bench.errors import InputError


def per_response(lengths: Tensor) -> Tensor:
    """GRPO: the mean over tokens of each response, then over responses. w_i = 1/(N·|o_i|)."""
    return 1 / (len(lengths) * _at_least_one(lengths))


def per_token(lengths: Tensor) -> Tensor:
    """DAPO: every token of the step counts the same. w_i = 1/Σ|o_j|."""
    return (1 / _at_least_one(lengths.sum())).expand(len(lengths))


def per_constant(lengths: Tensor, length: int) -> Tensor:
    """Dr. GRPO: w_i = 1/(N·L), with L the longest response that a recipe allows, not the longest there is."""
    return torch.full_like(lengths, 1 / (len(lengths) * length), dtype=torch.float64)


def per_micro_batch(lengths: Tensor, size: int) -> Tensor:
    """Releases that call it a mean over tokens and take it of each micro batch, then the mean over M micro batches.

    w_i = 1/(M·Σ|o_j|) over the i-th response's own micro batch of `size` neighbours: what a response counts depends on
    who is beside it. TRL names it BNPO. Raises `InputError` where the step does not divide into such micro batches.
    """
    if len(lengths) % size:
        raise InputError(
            f"a step of {len(lengths)} responses cannot be cut into micro batches of {size}: "
            "objective.micro_batch must divide the responses of a step"
        )
    totals = _at_least_one(lengths.view(-1, size).sum(dim=1))
    return (1 / (len(totals) * totals)).repeat_interleave(size)


def _at_least_one(counts: Tensor) -> Tensor:
    return counts.double().clamp(min=1)
