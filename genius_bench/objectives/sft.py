"""Supervised fine-tuning: imitate the response."""

from torch import Tensor

from genius_bench.objectives.interface import Metrics, Objective, ObjectiveBatch


class SFT(Objective):
    """L = −log π_θ(y|x) / |y|: the mean over response tokens, so that every response counts the same."""

    name = "sft"
    title = "Supervised fine-tuning"
    source = "negative log-likelihood per token"
    eats = "demonstrations"
    needs_reference = False
    length_normalised = True

    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        losses = -batch.policy_chosen / batch.chosen_length
        return losses, {"nats_per_token": losses, "response_tokens": batch.chosen_length}
