"""log π(y|x): one teacher-forced pass over a micro batch, and what an objective is handed of it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import is_initialized

from genius_bench.objectives.interface import ObjectiveBatch
from genius_bench.training.chunking import of_targets, of_targets_in_chunks, tokens_at_once
from genius_bench.training.collator import MODEL_INPUTS, Batch
from genius_bench.training.output_head import output_head, replaced, vocabulary_of
from genius_bench.training.segments import Segments


def response_log_probabilities(model: Any, batch: Batch) -> Tensor:
    """Log-probabilities in nats summed over the response tokens of each sequence; shape [2 × examples], float32.

    Those of the chosen responses come first, then those of the rejected ones: zero for demonstrations.
    """
    tokens = token_log_probabilities(model, batch)
    sums = torch.zeros(2 * len(batch["weight"]), device=tokens.device)
    return sums.index_add(0, batch["sequence"], tokens)


def token_log_probabilities(model: Any, batch: Batch) -> Tensor:
    """Log-probabilities in nats of all response tokens, in the order of the batch; shape [response tokens], float32."""
    head = output_head(model, batch["input_ids"])
    return _of_all_logits(model, batch) if head is None else _within_head(model, head, batch)


def _within_head(model: Any, head: nn.Module, batch: Batch) -> Tensor:
    """What the model returns as its logits, shape [response tokens], are already log-probabilities of the targets.

    The head works on response tokens only and on a chunk of them at a time: prompts and padding have no logits, and
    never are there more than a fixed number. As it happens inside the model's own forward pass, whatever spreads the
    model over processes sees an ordinary one.
    """
    targets = batch["target"]
    at_once = tokens_at_once(targets.device, vocabulary_of(model))
    if is_initialized() and any(True for _ in head.children()):
        # Adapters of the head may be sharded layers of their own. Each call of one is an exchange in which all
        # processes must take part, and they have different numbers of chunks.
        at_once = len(targets)

    def forward(hidden: Tensor) -> Tensor:
        predicting = hidden[batch["row"], batch["column"]]
        return of_targets_in_chunks(own, predicting, targets, at_once).view(1, -1, 1)

    with replaced(head, forward) as own:
        return _forward(model, batch).view(-1)


def _of_all_logits(model: Any, batch: Batch) -> Tensor:
    """The same for a model that has more to do after its head: all logits of the columns where a response stands."""
    columns, column = batch["column"].unique(return_inverse=True)
    logits = _forward(model, batch, logits_to_keep=columns)
    if logits.shape[1] != len(columns):
        column = batch["column"]
    return of_targets(logits[batch["row"], column], batch["target"])


def _forward(model: Any, batch: Batch, **options: Any) -> Tensor:
    inputs: dict[str, Any] = {name: batch[name] for name in MODEL_INPUTS if name in batch}
    if "segments" in batch:
        inputs["segments"] = Segments(tuple(tuple(bounds) for bounds in batch["segments"].tolist()))
    logits: Tensor = model(**inputs, use_cache=False, **options).logits
    return logits


def split_halves(log_probabilities: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """The chosen and the rejected half, each of shape [rows]."""
    return log_probabilities[:rows], log_probabilities[rows:]


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
