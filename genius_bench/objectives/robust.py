"""Provably robust DPO: the loss on noisy labels has the expectation DPO has on clean ones (arXiv 2403.00409)."""

import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.cdpo import CDPO
from genius_bench.objectives.interface import Metrics, ObjectiveBatch, reward_metrics


class RobustDPO(CDPO):
    """L = [ −(1−ε)·log σ(z) + ε·log σ(−z) ] / (1−2ε) with z = β·r_θ(y_w) − β·r_θ(y_l); β and ε as in cDPO.

    Unlike cDPO it subtracts the loss of the swapped pair, so it falls without bound as the margin grows.
    """

    name = "robust"
    title = "Provably robust DPO"
    source = "arXiv 2403.00409"

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        margin = chosen - rejected
        noisy = (1 - self.epsilon) * -F.logsigmoid(margin) - self.epsilon * -F.logsigmoid(-margin)
        return noisy / (1 - 2 * self.epsilon), reward_metrics(chosen, rejected)
