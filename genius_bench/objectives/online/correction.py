"""Importance weights where the engine's probabilities are not quite the trainer's, from log π_old − log π_engine.

Differences are 0 outside the mask; weights carry no gradient and have a shape that multiplies [rows, tokens].
"""

from torch import Tensor


def truncated(mismatch: Tensor, cap: float) -> Tensor:
    """TIS: min(π_old/π_engine, C) of each token."""
    return mismatch.detach().exp().clamp(max=cap)


def masked_sequences(mismatch: Tensor, cap: float) -> Tensor:
    """π_old/π_engine of the whole response, and 0 for a response where it exceeds C. TRL's default, with C = 3."""
    ratio = mismatch.detach().sum(dim=1, keepdim=True).exp()
    return ratio.masked_fill(ratio > cap, 0.0)
