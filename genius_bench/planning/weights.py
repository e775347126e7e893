"""How many weights a model has, read off the headers of its files: milliseconds, and nothing is imported for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from genius_bench.engines.loading import locate
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

    Tied weights count once, and tables and masks not at all. Raises `InputError` for a damaged file.
    """
    tied = bool(_config(folder).get("tie_word_embeddings"))
    found = 0
    types: list[str] = []
    for file in _files(folder):
        for name, shape, kind in _entries(file):
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


def _files(folder: Path) -> list[Path]:
    """Those that transformers would read: some repositories hold the same weights in two layouts."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        names = set(_object(index).get("weight_map", {}).values())
        return sorted(path for name in names if (path := folder / name).exists())
    single = folder / "model.safetensors"
    return [single] if single.exists() else sorted(folder.glob("*.safetensors"))


def _entries(file: Path) -> Iterator[tuple[str, list[int], str]]:
    """Name, shape and type of every tensor, in the order of the file."""
    with open(file, "rb") as content:
        size = int.from_bytes(content.read(8), "little")
        text = content.read(min(size, 2**27))
    try:
        header = json.loads(text)
        yield from (
            (name, entry["shape"], entry["dtype"]) for name, entry in header.items() if name != "__metadata__"
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is damaged: its header cannot be read") from error


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    return _object(file) if file.exists() else {}


def _object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    return value if isinstance(value, dict) else {}
