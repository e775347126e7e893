"""Conservative DPO: labels are wrong with probability ε (Mitchell, "A note on DPO with noisy preferences", Eq. 3)."""

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


class CDPO(Objective):
    """L = −(1−ε)·log σ(z) − ε·log σ(−z) with z = β·r_θ(y_w) − β·r_θ(y_l).

    Smallest at σ(z) = 1−ε: a margin that has reached log((1−ε)/ε) is pushed no further.
    """

    name = "cdpo"
    title = "Conservative DPO (label smoothing)"
    source = "ericmitchell.ai/cdpo.pdf, Eq. 3"

    beta: Positive = 0.1
    """How strongly the policy is held to the reference, per nat."""
    epsilon: FlipRate = 0.1
    """Assumed share of swapped pairs, in [0, 0.5); 0 is DPO."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
        as_labelled, swapped = -F.logsigmoid(chosen - rejected), -F.logsigmoid(rejected - chosen)
        losses = (1 - self.epsilon) * as_labelled + self.epsilon * swapped
        return losses, reward_metrics(chosen, rejected)
