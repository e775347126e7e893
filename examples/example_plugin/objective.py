"""An objective: the hinge on the reward margin."""

import torch
from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics


class ExampleHinge(Objective):
    """L = max(0, 1 − β(r_w − r_l)), in nats."""

    name = "example-hinge"
    title = "Hinge on the reward margin"
    source = "arXiv 2305.10425"
    beta: Positive = 0.1

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        return torch.relu(1 - (chosen - rejected)), reward_metrics(chosen, rejected)
