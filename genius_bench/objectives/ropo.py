"""Robust preference optimisation, its loss alone: no filtering, no rejection sampling (arXiv 2404.04102, Eq. 9)."""

import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics


class ROPO(Objective):
    """L = s·4α/(1+α)² · ( −log σ(z) + α·σ(−z) ) with z = β·r_θ(y_w) − β·r_θ(y_l).

    The bounded second term keeps pairs with a very negative margin, likely mislabelled, from dominating. The factor
    makes the steepest slope in z equal to s (for α ≥ 1). The published code of Genius has 0.1·(−log σ(z)) +
    0.2·σ(−z): α = 2 and s = 0.1125.
    """

    name = "ropo"
    title = "Robust preference optimisation"
    source = "arXiv 2404.04102, Eq. 9"

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""
    alpha: Positive = 2.0
    """Weight of the bounded term over DPO's: towards 0 a scaled DPO, without bound 4·σ(−z) alone."""
    scale: Positive = 1.0
    """s, a factor of the whole loss; it matters to gradient clipping, hardly to Adam."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        margin = chosen - rejected
        normaliser = 4 * self.alpha / (1 + self.alpha) ** 2
        losses = self.scale * normaliser * (-F.logsigmoid(margin) + self.alpha * (-margin).sigmoid())
        return losses, reward_metrics(chosen, rejected)
