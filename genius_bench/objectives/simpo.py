"""Simple preference optimisation: length-normalised, without a reference (arXiv 2405.14734, Eq. 6)."""

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


class SimPO(Objective):
    """L = −log σ( β·log π_θ(y_w|x)/|y_w| − β·log π_θ(y_l|x)/|y_l| − γ ).

    The defaults are its authors' for LLaMA-3-Instruct. The published code of Genius has β = 0.1 and γ = 1, which is
    `gamma_beta_ratio: 10`.
    """

    name = "simpo"
    title = "Simple preference optimisation"
    source = "arXiv 2405.14734, Eq. 6"
    needs_reference = False
    length_normalised = True

    beta: Positive = 2.5
    """Scale of the reward, per nat per token."""
    gamma_beta_ratio: NonNegative = 0.55
    """γ/β, the target margin in nats per token."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen = self.beta * batch.policy_chosen / batch.chosen_length
        rejected = self.beta * batch.policy_rejected / batch.rejected_length
        gamma = self.beta * self.gamma_beta_ratio
        return -F.logsigmoid(chosen - rejected - gamma), reward_metrics(chosen, rejected)
