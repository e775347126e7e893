"""What an adapter's configuration may ask for: its file alone decides what is laid on the base."""

import json
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError, first_line

LEAVE_THE_BASE = (True, False, "gaussian", "orthogonal", "eva", "mica")
"""Ways to begin a LoRA (`init_lora_weights`) after which the base is what it was. All others take something out of it,
partly by chance, and what they took is in no file."""


def check_adapter(file: Path) -> None:
    """Raises `InputError` unless the adapter of this `adapter_config.json` is a LoRA that is whole in its own file."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_finite)
        kind = str(config.get("peft_type", "LORA"))
        start = config.get("init_lora_weights", True)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{file} cannot be read: {first_line(error)}") from error
    if kind != "LORA":
        raise InputError(f"{file}: peft_type {kind!r}: only LoRA adapters are read; merge it into its base")
    if start not in LEAVE_THE_BASE:
        raise InputError(
            f"{file}: init_lora_weights {start!r} changes the base in a way that no file holds: save the adapter with "
            "path_initial_model_for_weight_conversion, or merge it into its base"
        )


def _finite(text: str) -> Any:
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{text} is no finite number")
    return value
