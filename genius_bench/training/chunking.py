"""Log-probabilities of given tokens from hidden states, with never more than a fixed number of logits in memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

LOGITS_AT_ONCE = {"cpu": 2**25, "cuda": 2**28}
"""Logits held at a time, by kind of device: on a GPU more of them, so that its kernels are filled."""

Head = Callable[[Tensor], Tensor]


def tokens_at_once(device: torch.device, vocabulary: int) -> int:
    """Tokens whose logits are held at a time."""
    return max(1, LOGITS_AT_ONCE.get(device.type, LOGITS_AT_ONCE["cuda"]) // vocabulary)


def of_targets_in_chunks(head: Head, hidden: Tensor, targets: Tensor, at_once: int) -> Tensor:
    """log softmax(head(hidden))[target] in nats; shape [tokens], float32. `hidden` has shape [tokens, width].

    For the gradient all chunks of `at_once` tokens but the last are computed again (the last is still there when the
    backward pass begins), so a batch that fits into one chunk is computed once.
    """
    *chunks, last = zip(hidden.split(at_once), targets.split(at_once), strict=True)
    twice = [
        checkpoint(_of_chunk, head, *chunk, use_reentrant=False, preserve_rng_state=False) for chunk in chunks
    ]
    return torch.cat([*twice, _of_chunk(head, *last)])


def of_targets(logits: Tensor, targets: Tensor) -> Tensor:
    """log softmax(logits)[target] in nats; shape [tokens], float32. The logits [tokens, vocabulary] are used up."""
    values: Tensor = _OfTargets.apply(logits, targets)
    return values


def _of_chunk(head: Head, hidden: Tensor, targets: Tensor) -> Tensor:
    return of_targets(head(hidden), targets)


class _OfTargets(torch.autograd.Function):
    """The memory of the logits holds their log-probabilities first, then their gradient: nothing of that size is added.

    A second backward pass over one graph is refused by autograd, because the first has overwritten what it saved.
    """

    @staticmethod
    def forward(context: Any, logits: Tensor, targets: Tensor) -> Tensor:
        values = logits.float()
        torch.log_softmax(values, dim=-1, out=values)
        context.save_for_backward(values, targets)
        context.type = logits.dtype
        return values.gather(1, targets.unsqueeze(1)).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, targets = context.saved_tensors
        values.exp_().mul_(-gradient.unsqueeze(1))
        values.scatter_add_(1, targets.unsqueeze(1), gradient.unsqueeze(1))
        return values.to(context.type), None
