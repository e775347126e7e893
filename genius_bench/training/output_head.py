"""A model's last layer, from hidden states to logits, and how something else takes its place for one forward pass."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from genius_bench.printing import note

Head = Callable[[Tensor], Tensor]

PROBE = torch.tensor([-96.0, -2.5, 0.0, 1.75, 48.0])
"""What might come out of a head: large and small, and exact in every floating-point type."""

_has_last_word: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
"""Per model, whether its logits are what its head returns: found out once."""


def unwrapped(model: Any) -> Any:
    """The model itself, without what spreads it over processes."""
    while hasattr(model, "module"):
        model = model.module
    return model


def vocabulary_of(model: Any) -> int:
    """How many logits the head has for each token."""
    size: int = unwrapped(model).config.get_text_config().vocab_size
    return size


def output_head(model: Any, input_ids: Tensor) -> nn.Module | None:
    """The layer whose results are the model's logits; None where the model changes them, as by scaling or capping.

    Measured once per model with the first tokens of `input_ids` [rows, tokens]: a probe that is put in the place of the
    head's results must come out of the model just as it went in.
    """
    inner = unwrapped(model)
    head: nn.Module | None = inner.get_output_embeddings()
    if inner not in _has_last_word:
        _has_last_word[inner] = head is not None and _returns_probe(model, head, input_ids[:1, :2])
        if not _has_last_word[inner] and os.environ.get("RANK", "0") == "0":
            message = f"{type(inner).__name__} changes its logits after its last layer: all of a micro batch are held"
            note(message)
    return head if _has_last_word[inner] else None


@contextmanager
def replaced(head: nn.Module, forward: Head) -> Iterator[Head]:
    """Within it, `head` runs `forward` when it is called, and yields what it ran before.

    It is still called as a module by its model, so that hooks which gather sharded weights do their work.
    """
    own = head.forward
    head.forward = forward
    try:
        yield own
    finally:
        head.forward = own


@torch.no_grad()
def _returns_probe(model: Any, head: nn.Module, input_ids: Tensor) -> bool:
    def probe(hidden: Tensor) -> Tensor:
        return PROBE.to(hidden).expand(*hidden.shape[:-1], len(PROBE))

    with replaced(head, probe):
        logits = model(input_ids=input_ids, use_cache=False).logits
    return logits.shape[-1] == len(PROBE) and bool((logits.float().cpu() == PROBE).all())
