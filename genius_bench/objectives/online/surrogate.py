"""The clipped surrogate of PPO, and where it clips."""

import torch
from torch import Tensor


def surrogate(
    ratio: Tensor, advantages: Tensor, low: float, high: float, dual_clip: float | None = None
) -> Tensor:
    """ℓ = −min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A); with a dual clip c, ℓ ≤ c·|A| where A < 0 (arXiv 1912.09729).

    `ratio` is [rows, tokens], `advantages` [rows].
    """
    a = advantages.unsqueeze(1)
    losses = -torch.minimum(ratio * a, ratio.clamp(1 - low, 1 + high) * a)
    if dual_clip is None:
        return losses
    return torch.where(a < 0, torch.minimum(losses, -dual_clip * a), losses)


def clipped(
    ratio: Tensor, advantages: Tensor, low: float, high: float, dual_clip: float | None = None
) -> dict[str, Tensor]:
    """Tokens without a gradient because of each clip, [rows, tokens] of booleans."""
    a = advantages.unsqueeze(1)
    where = {"clip_low": (ratio < 1 - low) & (a < 0), "clip_high": (ratio > 1 + high) & (a > 0)}
    return where if dual_clip is None else where | {"clip_dual": (ratio > dual_clip) & (a < 0)}
