"""Iterative reasoning preference optimisation: DPO that also imitates the chosen response (arXiv 2404.19733 v3)."""

import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import (
    Metrics,
    NonNegative,
    Objective,
    ObjectiveBatch,
    Positive,
    reward_metrics,
)


class RPO(Objective):
    """L = −log σ( β·r_θ(y_w) − β·r_θ(y_l) ) − α·log π_θ(y_w|x)/|y_w|.

    The paper's first version has α on the other term and the likelihood unnormalised.
    """

    name = "rpo"
    title = "Reasoning preference optimisation (DPO + NLL)"
    source = "arXiv 2404.19733 v3"

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""
    alpha: NonNegative = 1.0
    """Weight of the chosen response's negative log-likelihood per token; 0 is DPO."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        nats_per_token = -batch.policy_chosen / batch.chosen_length
        losses = -F.logsigmoid(chosen - rejected) + self.alpha * nats_per_token
        return losses, reward_metrics(chosen, rejected) | {"nats_per_token": nats_per_token}
