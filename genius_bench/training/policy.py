"""The model that is trained: loaded with dropout off, with adapters laid on where asked, published as plain files."""

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from genius_bench.engines.loading import COMPANIONS, base_of, fingerprint
from genius_bench.engines.weights import ADAPTER, load_whole, merged
from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.recipe import LoraSection, TrainingSection
from genius_bench.storage import fsync
from genius_bench.training.saved_state import Pieces, storage_failure

COPIED = (*COMPANIONS, "LICENSE*", "NOTICE*")
"""Everything of a policy but its weights: training changes none of it, so it is copied byte for byte."""


def compute_precision(training: TrainingSection) -> str:
    """`float32` or `bfloat16`: what matrix products run in; `auto` takes bfloat16 where a GPU has it."""
    if training.precision != "auto":
        return training.precision
    return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"


def vocabulary_of(path: Path) -> int:
    """How many token ids the policy knows."""
    size: int = _read_config(base_of(path)).get_text_config().vocab_size
    return size


def load_policy(path: Path, lora: LoraSection, precision: str) -> Any:
    """A causal language model with every dropout at zero; an adapter is merged into its base.

    Weights that are trained are held in float32 whatever `precision` is: steps of 1e-7 vanish in bfloat16. Weights
    frozen under LoRA are held in `precision`. Under ZeRO-3 each process holds its part and no device ever all of it,
    provided that the training arguments were made before. Raises `InputError` where the policy cannot be loaded.
    """
    from transformers import AutoModelForCausalLM, GenerationConfig
    from transformers.integrations import is_deepspeed_zero3_enabled

    base = base_of(path)
    if base != path and lora.rank:
        raise InputError(
            f"the policy in {path} is a LoRA adapter already: merge it into its base, "
            "or train all weights (--set training.lora.rank=0)"
        )
    if base != path and is_deepspeed_zero3_enabled():
        raise InputError(
            f"the policy in {path} is a LoRA adapter, and weights that are loaded in parts cannot be merged: "
            "use --sharding zero2, or merge it into its base"
        )
    config = _read_config(base)
    _without_dropout(config)
    dtype = getattr(torch, precision) if lora.rank else torch.float32
    model = load_whole(AutoModelForCausalLM, base, config=config, dtype=dtype)
    if base != path:
        model = merged(model, path).requires_grad_(True)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    # The policy's own is copied when publishing. Some published ones are refused by transformers when saved.
    model.generation_config = GenerationConfig()
    return model


def _read_config(base: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(base), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"no usable model configuration in {base}: {first_line(error)}") from error


def weights_per_token(model: Any) -> int:
    """Weights that are multiplied for every token: all but an input embedding that is not the output's as well."""
    count: int = model.num_parameters()
    embedding = model.get_input_embeddings().weight
    output = model.get_output_embeddings()
    tied = output is not None and output.weight is embedding
    return count if tied else count - embedding.numel()


def with_adapters(model: Any, lora: LoraSection) -> Any:
    """The model with fresh LoRA adapters, which alone are trained; the model as it is for rank 0."""
    if not lora.rank:
        return model
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets if lora.targets == "all-linear" else lora.targets.split(","),
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise InputError(f"training.lora.targets = '{lora.targets}': {first_line(error)}") from error


def trained_model(policy: Path, lora: LoraSection, precision: str, state: Path) -> Any:
    """The policy with the weights of a saved state, on the processor.

    Raises `GeniusBenchError` where some are missing or unknown.
    """
    model, pieces = with_adapters(load_policy(policy, lora, precision), lora), Pieces(state)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if unknown := sorted(pieces.names() - trained.keys()):
        raise GeniusBenchError(f"{state} has weights that the policy has not: {', '.join(unknown[:3])}")
    for name, weight in trained.items():
        weight.data.copy_(pieces.read(name, "weight", 0, weight.numel()).view_as(weight))
    return model


def publish(model: Any, policy: Path, folder: Path) -> str:
    """Writes a checkpoint that any tool reads (weights in the type the policy's files have), and reads it back.

    Returns its fingerprint. Raises `GeniusBenchError` unless the files hold just what was to be written.
    """
    adapters = hasattr(model, "peft_config")
    if not adapters:
        model.to(_stored_type(base_of(policy)))
    write_files(model, policy, folder)
    _verify(model, folder, adapters)
    for file in folder.iterdir():
        fsync(file)
    return fingerprint(folder)


def write_files(model: Any, policy: Path, folder: Path) -> None:
    """Weights as they are, and what the policy has beside its own; whatever was in the folder is gone."""
    if folder.exists():
        shutil.rmtree(folder)
    try:
        model.save_pretrained(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise storage_failure(error) from error
    for own in ("generation_config.json", "README.md"):
        (folder / own).unlink(missing_ok=True)
    for pattern in COPIED:
        for file in base_of(policy).glob(pattern):
            # Beside an adapter, a config.json would make the folder look like a whole model.
            if file.is_file() and not (hasattr(model, "peft_config") and file.name == "config.json"):
                shutil.copyfile(file, folder / file.name)


def _stored_type(base: Path) -> torch.dtype:
    weights = sorted(base.glob("*.safetensors"))
    with safe_open(weights[0], "pt") as file:
        dtype: torch.dtype = file.get_tensor(next(iter(file.keys()))).dtype
    return dtype


def _verify(model: Any, folder: Path, adapters: bool) -> None:
    """Raises `GeniusBenchError` unless what is read back has the names, shapes and values that were trained."""
    try:
        expected, found = _adapters_read_back(model, folder) if adapters else _read_back(model, folder)
    except InputError as error:
        raise GeniusBenchError(f"the checkpoint in {folder} does not read back: {error}") from error
    if differing := sorted(expected.keys() ^ found.keys()):
        raise GeniusBenchError(
            f"the checkpoint in {folder} does not read back: {len(differing)} weights missing or unknown"
            f" ({', '.join(differing[:3])})"
        )
    for name, weight in expected.items():
        if not torch.isfinite(found[name]).all():
            raise GeniusBenchError(f"the trained weights are not finite ('{name}' in {folder})")
        if not torch.equal(found[name], weight):
            raise GeniusBenchError(f"the checkpoint in {folder} does not read back: '{name}' differs")


def _adapters_read_back(model: Any, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from peft import get_peft_model_state_dict

    return get_peft_model_state_dict(model), load_file(folder / ADAPTER)


def _read_back(model: Any, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's weights, and those that are loaded."""
    from transformers import AutoModelForCausalLM

    return model.state_dict(), load_whole(AutoModelForCausalLM, folder, dtype="auto").state_dict()


def _without_dropout(config: Any) -> None:
    """π_θ must equal π_ref before the first step, and likelihoods must not be noisy."""
    for name, value in vars(config).items():
        if isinstance(value, float) and ("dropout" in name or name.endswith("pdrop")):
            setattr(config, name, 0.0)
