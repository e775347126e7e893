"""Direct preference optimisation (arXiv 2305.18290, Eq. 7)."""

import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics


class DPO(Objective):
    """L = −log σ( β·r_θ(y_w) − β·r_θ(y_l) )."""

    name = "dpo"
    title = "Direct preference optimisation"
    source = "arXiv 2305.18290, Eq. 7"

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        return -F.logsigmoid(chosen - rejected), reward_metrics(chosen, rejected)
