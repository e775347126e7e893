"""Advantage-calibrated optimisation, the objective of Genius (arXiv 2504.08672, Eqs. 10–12)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics

Weighting = Literal["min", "max", "none"]


def calibration_weight(advantage_gap: Tensor, alpha: float, weighting: Weighting = "min") -> Tensor:
    """w(A) of Eq. 11, in the shape of `advantage_gap` = A^l − A^w (nats per token); it carries no gradient.

    A rejected response with the larger advantage (gap > 0, the calibration region) is pushed down less: w < 1.
    "max" is what the published code computes instead (w ≥ 1, never relaxing), "none" is DPO.
    """
    decay = torch.exp(-advantage_gap.detach() / alpha)
    if weighting == "min":
        return decay.clamp(max=1.0)
    if weighting == "max":
        return decay.clamp(min=1.0)
    return torch.ones_like(decay)


class ACO(Objective):
    """L = −log σ( β·r_θ(T^w) − β·w(A)·r_θ(T^l) )."""

    name = "aco"
    title = "Advantage-calibrated optimisation"
    source = "arXiv 2504.08672, Eqs. 10–12"
    needs_advantages = True

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""
    alpha: Positive = 1.0
    """Temperature of the calibration, nats per token: the larger, the closer to DPO."""
    weighting: Weighting = "min"
    """Eq. 11 (`min`), the published code (`max`), or no calibration (`none`)."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        gap = batch.rejected_advantage - batch.chosen_advantage
        w = calibration_weight(gap, self.alpha, self.weighting)
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        metrics = reward_metrics(chosen, rejected)
        metrics |= {"calibration/weight": w, "calibration/share": (gap > 0).float()}
        return -F.logsigmoid(chosen - w * rejected), metrics
