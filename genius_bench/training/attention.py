"""Which attention kernel a policy is trained with: FlashAttention where it can be used, PyTorch's own otherwise."""

import os
from typing import Any

import torch
from transformers.utils import is_flash_attn_2_available

from genius_bench.errors import InputError, first_line
from genius_bench.printing import note

FLASH = "flash_attention_2"


def choose_attention(model: Any, wanted: str, precision: str) -> None:
    """Gives the model the attention of the recipe (`training.attention`), and says on stderr which one and why.

    Raises `InputError` where what is asked for is not there, or not for this model.
    """
    obstacle = obstacle_to_flash_attention(precision)
    if wanted == FLASH and obstacle:
        raise InputError(f"training.attention = '{wanted}': {obstacle} (auto takes sdpa)")
    why = "as asked for"
    if wanted != "auto":
        _set(model, wanted)
    elif obstacle:
        why = f"FlashAttention cannot be used: {obstacle}"
    else:
        try:
            _set(model, FLASH)
            why = "it can be used here"
        except InputError as error:
            why = str(error)
    if os.environ.get("RANK", "0") == "0":
        note(f"attention: {model.config._attn_implementation} ({why})")


def obstacle_to_flash_attention(precision: str) -> str | None:
    """Why FlashAttention cannot be used on this machine; None where it can."""
    if not torch.cuda.is_available():
        return "there is no GPU"
    if precision != "bfloat16":
        return f"it computes in half precision, and training.precision is {precision}"
    if not is_flash_attn_2_available():
        return "it is not installed (pip install 'genius-bench[flash-attn]')"
    return None


def _set(model: Any, attention: str) -> None:
    try:
        model.set_attn_implementation(attention)
    except (ImportError, ValueError) as error:
        raise InputError(f"training.attention = '{attention}': {first_line(error)}") from error
    if model.config._attn_implementation != attention:
        raise InputError(f"training.attention = '{attention}': {type(model).__name__} has no such attention")
