"""Models by name, path or hub id: where they are, what is in them, and how they get into memory. Safetensors only."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.engines.recorded import check_recorded
from genius_bench.engines.templates import check_template
from genius_bench.engines.turns import turn_of
from genius_bench.engines.weights import load_whole, merged, weight_files
from genius_bench.errors import InputError, first_line
from genius_bench.integrity import sha256_of
from genius_bench.offline import is_offline, not_here

COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "chat_template*",
    "*.jinja",
)
"""The files of a model beside its weights that say how it is built, read and asked."""


@dataclass(frozen=True)
class ModelFiles:
    """A model on disk. `fingerprint` hashes weights, configuration, tokenizer and chat template."""

    name: str
    path: Path
    fingerprint: str


def resolve_model(name: str) -> ModelFiles:
    """`lab`, `smollm2`, a local folder (full model or LoRA adapter) or a hub id, as files on this machine.

    Raises `InputError` where there is no such model, it has no weights, only weights in an unsafe format, others than
    those that the fingerprint hashes, or (a checkpoint of a home) others than were trained.
    """
    path = locate(name)
    _check_weights(name, path)
    found = fingerprint(path)
    check_recorded(path, found)
    return ModelFiles(name, path, found)


def locate(name: str, *, weights: bool = True) -> Path:
    """The folder of a model, downloaded where it is a hub id (the tokenizer and what goes with it alone on request).

    Raises `InputError` where there is no such model.
    """
    if "://" in name:
        raise InputError("a server can only be evaluated: training needs the model's own files, not a URL")
    if name == "lab":
        from genius_bench.lab import MODEL_PATH

        return MODEL_PATH
    if name == "smollm2":
        from genius_bench.engines import smollm2

        return smollm2.find()
    path = Path(name).expanduser()
    if path.is_dir():
        nested = path / "model"
        return nested if nested.is_dir() and not (path / "config.json").exists() else path
    if path.exists() or name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise InputError(
            f"no model at '{name}': give 'lab', 'smollm2', a folder with a model, or a hub id such as owner/name"
        )
    return _download(name, ["*.safetensors"] if weights else [])


def _download(name: str, weights: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["*.json", "*.model", "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(name, allow_patterns=weights + patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        if is_offline():
            raise not_here(f"model '{name}'", "--model") from error
        reason = first_line(error)
        raise InputError(
            f"model '{name}' is neither a local folder nor to be had from the hub ({reason}); "
            "check the name, the network and your access token"
        ) from error


def _check_weights(name: str, path: Path) -> None:
    if any(path.glob("*.safetensors")):
        if not (path / "config.json").exists() and not (path / "adapter_config.json").exists():
            raise InputError(f"model '{name}': {path} has weights but no config.json")
        weight_files(path)
        return
    unsafe = [file.name for pattern in ("*.bin", "*.pt", "*.pth") for file in path.glob(pattern)]
    if unsafe:
        raise InputError(
            f"model '{name}' has weights only as {unsafe[0]}, which can run code when read: convert to safetensors"
        )
    raise InputError(f"model '{name}': no weights (*.safetensors) in {path}")


DETERMINING = ("*.safetensors", "adapter_config.json", *COMPANIONS)


def is_adapter(path: Path) -> bool:
    """Whether a folder holds a LoRA adapter without its base."""
    return (path / "adapter_config.json").exists() and not (path / "config.json").exists()


def fingerprint(path: Path, patterns: tuple[str, ...] = DETERMINING) -> str:
    """SHA-256 over the names and contents of everything that determines what the model says."""
    base = base_of(path)
    return fingerprint_over("" if base == path else fingerprint(base, patterns), path, patterns)


def fingerprint_over(base: str, path: Path, patterns: tuple[str, ...] = DETERMINING) -> str:
    """The fingerprint of a folder alone; of an adapter, given that of its base."""
    digest = hashlib.sha256(base.encode())
    files = {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0")
        digest.update(bytes.fromhex(sha256_of(file)))
    return digest.hexdigest()


def base_of(path: Path) -> Path:
    """Where a model's own weights are: the folder itself, or that of its base for a LoRA adapter."""
    adapter = path / "adapter_config.json"
    if not is_adapter(path):
        return path
    try:
        name = str(json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{adapter} does not name the adapter's base model") from error
    beside = path.parent / name.replace("/", "--")  # as `data pull` lays an adapter and its base
    base = beside if beside.is_dir() else locate(name)
    if not (base / "config.json").exists():
        raise InputError(f"{adapter}: its base '{name}' is no whole model (it has no config.json)")
    return base


def context_of(model: ModelFiles) -> int | None:
    """Most tokens that the model can read, as its configuration says; None where it does not say."""
    config = json.loads((base_of(model.path) / "config.json").read_text(encoding="utf-8"))
    limit: int | None = config.get("max_position_embeddings")
    return limit


def load_tokenizer(path: Path | str, chat_template: str | None = None) -> Any:
    """The model's tokenizer, with the recipe's chat template where it names one.

    Raises `InputError` when there is no tokenizer, no chat template and no word about what to use instead, or one that
    takes too much (`templates.check_template`).
    """
    from transformers import AutoTokenizer

    path = Path(path)
    folder = path if any(path.glob("tokenizer*")) else base_of(path)  # adapters often come without one
    hidden = folder / "additional_chat_templates" / "default.jinja"
    if hidden.exists():  # it would go before the others, and is in no fingerprint
        raise InputError(f"{hidden} stands in for the chat template: put it into chat_template.jinja instead")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain Exception for damaged files
        raise InputError(f"no usable tokenizer in {folder}: {first_line(error)}") from error
    if chat_template == "plain":
        tokenizer.chat_template = None
    elif chat_template is not None:
        tokenizer.chat_template = template_text(chat_template)
    elif not tokenizer.chat_template:
        raise InputError(
            f"the model in {path} has no chat template: give one with --set engine.chat_template=FILE.jinja, or "
            "--set engine.chat_template=plain for a 'Question: … Answer:' layout"
        )
    if tokenizer.chat_template:
        check_template(tokenizer, chat_template or folder)
    return tokenizer


def template_text(template: str | None) -> str | None:
    """The text in the file that the recipe names; None and `plain` stay what they are."""
    if template in (None, "plain"):
        return template
    try:
        return Path(template).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read chat template {template}: {error}") from error


def load_model(path: Path | str, *, device: str = "auto", precision: str = "auto") -> Any:
    """A causal language model in evaluation mode; a LoRA adapter is laid onto its base and merged.

    Raises `InputError` where it cannot be loaded, or its files hold other weights than it is made of.
    """
    import torch
    from transformers import AutoModelForCausalLM

    path = Path(path)
    device = pick_device(device)
    dtype = {"auto": "auto" if device != "cpu" else torch.float32}.get(precision) or getattr(torch, precision)
    base = base_of(path)
    model = load_whole(AutoModelForCausalLM, base, dtype=dtype)
    try:
        if base != path:
            model = merged(model, path)
        return model.to(device).eval()
    except (ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"cannot load the model in {path} on {device}: {first_line(error)}") from error


def pick_device(device: str) -> str:
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def end_tokens(path: Path | str, tokenizer: Any) -> frozenset[int]:
    """Every token after which a turn is over: the generation config may name several, the chat template another."""
    from transformers import AutoConfig, GenerationConfig

    base = str(base_of(Path(path)))
    try:
        generation = GenerationConfig.from_pretrained(base)
    except OSError:  # models without that file name them in their configuration
        generation = GenerationConfig.from_model_config(AutoConfig.from_pretrained(base))
    named = generation.eos_token_id
    ids = {named} if isinstance(named, int) else set(named or ())
    if tokenizer.eos_token_id is not None:
        ids.add(tokenizer.eos_token_id)
    if turn := turn_of(tokenizer):
        ids.add(turn.end)
    return frozenset(ids)
