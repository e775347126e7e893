"""Policy gradient of sampled tokens: group advantages, a clipped ratio, the mean over the tokens of a whole step."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from genius_bench.objectives.interface import Metrics, NonNegative
from genius_bench.recipe import Section

Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
STEADY = 1e-6
"""Added to a group's standard deviation, as the releases of this family do."""


@dataclass(frozen=True, kw_only=True)
class TokenBatch:
    """A micro batch of responses: log-probabilities (nats) of shape [rows, tokens], of which `mask` says which count.

    `now` carries the gradient; `sampled` are those that the tokens were drawn with, `reference` those of the base.
    """

    now: Tensor
    sampled: Tensor
    reference: Tensor
    mask: Tensor
    advantages: Tensor
    """Shape [rows]."""


@dataclass(frozen=True)
class StepCounts:
    """What a whole step trains on, whichever micro batch or process holds it."""

    responses: int
    tokens: int


class TokenMean(Section):
    """L = Σ [−min(ρA, clip(ρ, 1−ε_low, 1+ε_high)A) + β·½(log π_ref − log π_θ)²] / Σ|o|, both sums over the step."""

    name: ClassVar[str] = "token-mean"
    title: ClassVar[str] = "GRPO's advantages, the mean over a step's tokens"
    source: ClassVar[str] = "arXiv 2402.03300 (advantages), arXiv 2503.14476, Eq. 8 (reduction)"
    clip_low: Share = 0.2
    clip_high: Share = 0.2
    kl: NonNegative = 0.005
    """β. The gradient of the squared log-ratio is that of the reverse KL while tokens are the policy's own."""

    def advantages(self, rewards: Sequence[float]) -> list[float]:
        """(r − mean) / (std + 1e-6) in a group, std with Bessel's correction; exactly 0 where all are equal."""
        if min(rewards) == max(rewards):
            return [0.0] * len(rewards)
        centre, scale = mean(rewards), stdev(rewards) + STEADY
        return [(reward - centre) / scale for reward in rewards]

    def __call__(self, batch: TokenBatch, step: StepCounts) -> tuple[Tensor, Metrics]:
        """This micro batch's part of the step's loss, and its part of the means of what is logged."""
        advantage = batch.advantages[:, None]
        ratio = torch.exp(batch.now - batch.sampled)
        clipped = ratio.clamp(1 - self.clip_low, 1 + self.clip_high)
        gap = batch.reference - batch.now
        losses = -torch.min(ratio * advantage, clipped * advantage) + self.kl * gap**2 / 2
        logged = {
            "kl": torch.expm1(gap) - gap,
            "clip_low": (ratio < 1 - self.clip_low) & (advantage < 0),
            "clip_high": (ratio > 1 + self.clip_high) & (advantage > 0),
            "mismatch": (batch.now - batch.sampled).abs(),
        }
        parts = {
            name: _sum(values.detach().float(), batch.mask) / step.tokens for name, values in logged.items()
        }
        return _sum(losses, batch.mask) / step.tokens, parts


def _sum(values: Tensor, mask: Tensor) -> Tensor:
    """Over what counts."""
    return (values * mask).sum()
