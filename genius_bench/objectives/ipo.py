"""Identity preference optimisation: a squared distance to a target margin (arXiv 2310.12036, Eq. 17)."""

from typing import Literal

from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch, Positive, reward_metrics


class IPO(Objective):
    """L = ( h_θ(y_w) − h_θ(y_l) − 1/(2τ) )², where h_θ(y) = r_θ(y)/|y| or, with `average: sum`, r_θ(y).

    The paper's equation has sums; its authors told TRL that their results are those of the mean over tokens.
    The published code of Genius has sums and τ = 0.5: its target of 1 nat on a whole response is soon reached.
    """

    name = "ipo"
    title = "Identity preference optimisation"
    source = "arXiv 2310.12036, Eq. 17"
    length_normalised = True

    tau: Positive = 0.1
    """Regularisation: the target margin is 1/(2τ) nats (per token, with `average: mean`)."""
    average: Literal["mean", "sum"] = "mean"
    """Log-ratios per token (`mean`, as TRL) or per response (`sum`, the published code)."""

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        chosen, rejected = batch.chosen_ratio, batch.rejected_ratio
        if self.average == "mean":
            chosen, rejected = chosen / batch.chosen_length, rejected / batch.rejected_length
        losses = (chosen - rejected - 1 / (2 * self.tau)) ** 2
        # As rewards, the target margin is one half whatever τ.
        return losses, reward_metrics(self.tau * chosen, self.tau * rejected)
