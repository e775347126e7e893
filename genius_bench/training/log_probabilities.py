"""log π(y|x): one teacher-forced pass over a micro batch, and what an objective is handed of it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from genius_bench.objectives.interface import ObjectiveBatch
from genius_bench.training.collator import MODEL_INPUTS, Batch


def response_log_probabilities(model: Any, batch: Batch) -> Tensor:
    """Log-probabilities in nats summed over the response tokens of each sequence; shape [sequences], float32.

    Logits are asked for only where the next token of some sequence belongs to a response, and the softmax runs in
    float32 over those alone: prompts cost no vocabulary-sized memory.
    """
    columns = batch["is_response"][:, 1:].any(dim=0).nonzero().squeeze(1)
    inputs = {name: batch[name] for name in MODEL_INPUTS if name in batch}
    logits = model(**inputs, logits_to_keep=columns, use_cache=False).logits
    if logits.shape[1] != len(columns):
        raise TypeError(f"{type(model).__name__} does not support logits_to_keep")

    counted = batch["is_response"][:, columns + 1]
    targets = batch["input_ids"][:, columns + 1][counted]
    owner = batch["sequence"][:, columns + 1][counted]
    token_log_probabilities = -F.cross_entropy(logits[counted].float(), targets, reduction="none")
    sums = torch.zeros(int(batch["sequence"].max()) + 1, device=logits.device)
    return sums.index_add(0, owner, token_log_probabilities)


def split_halves(log_probabilities: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """The chosen and the rejected half, each of shape [rows]; the rejected half of demonstrations is zero."""
    chosen, rejected = log_probabilities[:rows], log_probabilities[rows:]
    return chosen, rejected if len(rejected) else torch.zeros_like(chosen)


def objective_batch(model: Any, batch: Batch) -> ObjectiveBatch:
    """What the loss sees: the policy's log-probabilities of this batch beside what came with the rows."""
    chosen, rejected = split_halves(response_log_probabilities(model, batch), len(batch["weight"]))
    return ObjectiveBatch(
        policy_chosen=chosen,
        policy_rejected=rejected,
        reference_chosen=batch["reference_chosen"],
        reference_rejected=batch["reference_rejected"],
        chosen_length=batch["chosen_length"],
        rejected_length=batch["rejected_length"],
        chosen_advantage=batch["chosen_advantage"],
        rejected_advantage=batch["rejected_advantage"],
        weight=batch["weight"],
    )
