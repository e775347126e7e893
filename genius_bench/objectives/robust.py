"""Provably robust DPO: the loss on noisy labels has the expectation DPO has on clean ones (arXiv 2403.00409)."""

import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import (
    FlipRate,
    Metrics,
    Objective,
    ObjectiveBatch,
    Positive,
    reward_metrics,
)


class RobustDPO(Objective):
    """L = [ −(1−ε)·log σ(z) + ε·log σ(−z) ] / (1−2ε) with z = β·r_θ(y_w) − β·r_θ(y_l).

    Unlike cDPO it subtracts the loss of the swapped pair, so it falls without bound as the margin grows.
    """

    name = "robust"
    title = "Provably robust DPO"
    source = "arXiv 2403.00409"

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""
    epsilon: FlipRate = 0.1
    """Assumed share of swapped pairs, in [0, 0.5); 0 is DPO."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        as_labelled, swapped = -F.logsigmoid(chosen - rejected), -F.logsigmoid(rejected - chosen)
        losses = ((1 - self.epsilon) * as_labelled - self.epsilon * swapped) / (1 - 2 * self.epsilon)
        return losses, reward_metrics(chosen, rejected)
