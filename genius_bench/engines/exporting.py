"""What other programs (vLLM, servers) must be given of a model, so that they run it as our own engine does."""

from pathlib import Path
from typing import Any

from genius_bench.engines.loading import base_of, load_model, load_tokenizer, pick_device


def precision_of(path: Path, device: str, precision: str) -> str:
    """`precision` spelt out: what `auto` means for this model here, as `load_model` understands it.

    Other programs mean other things by it (vLLM reads half precision into models of single precision).
    """
    if precision != "auto":
        return precision
    return "float32" if pick_device(device) == "cpu" else _precision_of_files(base_of(path))


def _precision_of_files(folder: Path) -> str:
    from safetensors import safe_open
    from transformers import AutoConfig

    named = AutoConfig.from_pretrained(str(folder)).dtype
    if named is not None:
        return str(named).removeprefix("torch.")
    with safe_open(next(iter(sorted(folder.glob("*.safetensors")))), framework="pt") as weights:
        kind = weights.get_slice(next(iter(weights.keys()))).get_dtype()
    return {"BF16": "bfloat16", "F16": "float16"}.get(kind, "float32")


def full_model(path: Path, folder: Path, precision: str) -> Path:
    """The folder of a model with weights of its own: `path`, or for a LoRA adapter the new `folder`, where it is merged
    into a copy of its base (with a tokenizer, without a chat template)."""
    if base_of(path) == path:
        return path
    load_model(path, device="cpu", precision=precision).save_pretrained(folder)
    load_tokenizer(path, "plain").save_pretrained(folder)
    return folder


def architecture_of(folder: Path) -> dict[str, Any]:
    """What two checkpoints must have in common for one's weights to take the place of the other's."""
    from safetensors import safe_open
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(folder)).to_dict()
    for name in ("_name_or_path", "transformers_version", "dtype"):
        config.pop(name, None)
    shapes: dict[str, tuple[int, ...]] = {}
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            shapes |= {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    return {"config": config, "shapes": shapes}
