"""Sharpening by preferences: the policy is regressed on how probable its reference finds two responses (2412.01951)."""

from typing import Literal

import torch
from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics


class SharpeningLoss(Objective):
    """L = ( β·[r_θ(y) − r_θ(y′)] − [s(y) − s(y′)] )², where s(y) = log π_ref(y|x) is the self-reward.

    Zero at π ∝ π_ref^(1+1/β), the maximum of E[s] − β·KL(π‖π_ref). A pair's order does not matter, no label enters:
    metrics call chosen what the reference finds more probable.
    """

    name = "sharpening"
    title = "Sharpening (regression on self-rewards)"
    source = "arXiv 2412.01951, Eq. 8"

    beta: Positive = 1.0
    """How strongly the policy is held to the reference: at 1 its probabilities are squared, below they sharpen more."""
    reward: Literal["sum", "mean"] = "sum"
    """s(y) of the whole response, or per token: log π_ref(y|x)/|y|."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        self_rewards = batch.reference_chosen, batch.reference_rejected
        if self.reward == "mean":
            self_rewards = self_rewards[0] / batch.chosen_length, self_rewards[1] / batch.rejected_length
        wanted = self_rewards[0] - self_rewards[1]
        as_called = wanted >= 0
        likelier, other = (torch.where(as_called, *two) for two in ((chosen, rejected), (rejected, chosen)))
        metrics = reward_metrics(likelier, other) | {"rewards/wanted": wanted.abs()}
        return (chosen - rejected - wanted) ** 2, metrics
