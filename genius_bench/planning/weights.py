"""How many weights a model has, read off the headers of its files: milliseconds, and nothing is imported for it."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from genius_bench.engines.loading import locate
from genius_bench.engines.tensors import tensors_in
from genius_bench.engines.weights import weight_files
from genius_bench.errors import InputError

TYPE_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
TYPES = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16"}
"""Safetensors' names for what weights are held in; packed integers are left out, their number says little."""
OUTPUT_HEADS = ("lm_head.weight", "embed_out.weight", "output.weight")
NO_WEIGHTS = (".attn.bias", ".attention.bias", ".masked_bias", "inv_freq")
"""Endings under which older files hold masks and tables beside the weights."""


@dataclass(frozen=True)
class Weights:
    """`stored_type` is what the files hold them in: `float32`, `bfloat16`, …"""

    parameters: int
    stored_type: str


def weights_in(folder: Path) -> Weights | None:
    """What the files of a model hold; None where there are none.

    Tied weights count once, and tables and masks not at all. Raises `InputError` for files that are not loaded either.
    """
    tied = bool(_config(folder).get("tie_word_embeddings"))
    found = 0
    types: list[str] = []
    for file in weight_files(folder) if any(folder.glob("*.safetensors")) else ():
        for name, shape, kind in tensors_in(file):
            types.append(kind)
            if kind in TYPES and not name.endswith(NO_WEIGHTS) and not (tied and name.endswith(OUTPUT_HEADS)):
                found += prod(shape)
    return Weights(found, TYPES.get(types[0], "float32")) if found else None


def own_folder(path: Path) -> Path:
    """Where the model's configuration is: the folder itself, or that of its base for a LoRA adapter."""
    adapter = path / "adapter_config.json"
    if not adapter.exists() or (path / "config.json").exists():
        return path
    base = _object(adapter).get("base_model_name_or_path")
    if not isinstance(base, str):
        raise InputError(f"{adapter} does not name the adapter's base model")
    beside = path.parent / base.replace("/", "--")  # as `data pull` lays an adapter and its base
    return beside if beside.is_dir() else locate(base, weights=False)


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    return _object(file) if file.exists() else {}


def _object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    return value if isinstance(value, dict) else {}
