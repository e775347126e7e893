"""Weights that are loaded: from the files that were hashed and no others, and all that the model is made of.

A fingerprint hashes every safetensors file of a folder. An index that named other files, or that chose among them,
would change the model and not its fingerprint; a file without some weight would leave random numbers in its place.
What may stand in the files themselves is in `tensors.py`, what an adapter may ask for in `adapters.py`.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genius_bench.engines.adapters import check_adapter
from genius_bench.engines.tensors import check_finite, check_finite_files, check_kinds, names_by_file
from genius_bench.errors import InputError, first_line

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_model.safetensors"
OTHER_LAYOUT = "consolidated"
"""How the names of files begin that hold the weights once more, for other programs: hashed, and read by nobody here."""
SHOWN = 3


def weight_files(folder: Path) -> list[Path]:
    """The files that a model, or an adapter, is loaded from: all of the folder's safetensors files, or it is refused.

    Raises `InputError` where its files leave open what is loaded, or say that it lies elsewhere.
    """
    whole = (folder / "config.json").exists()
    if whole and (folder / "adapter_config.json").exists():
        raise InputError(
            f"{folder} holds a model (config.json) and an adapter (adapter_config.json): give each a folder of its own"
        )
    there = {file.name for file in folder.glob("*.safetensors") if file.is_file()}
    if not whole:
        if ADAPTER not in there:
            raise InputError(f"{folder} has no {ADAPTER}: adapters are read from a file of that name only")
        check_adapter(folder / "adapter_config.json")
        return [folder / ADAPTER]
    _check_names_no_files(folder / "config.json")
    index = _index(folder)
    named = set(index.values())
    loaded = {SINGLE} if SINGLE in there else named
    if not loaded:
        raise InputError(f"{folder} has neither {SINGLE} nor {INDEX}, which says what its files hold")
    if strange := sorted((named | loaded) - there):
        raise InputError(
            f"{folder}: its index names {strange[0]!r}, which is no safetensors file of that folder"
        )
    own = {name for name in there if not name.startswith(OTHER_LAYOUT)}
    if surplus := sorted(own ^ loaded):
        raise InputError(
            f"{folder}: {surplus[0]} and {min(loaded - {surplus[0]}, default=SINGLE)} cannot both be its weights: "
            "leave only the files that are to be loaded"
        )
    files = [folder / name for name in sorted(loaded)]
    held = names_by_file(files)
    if index and (strange := sorted(dict(held.items() ^ index.items()))):
        name = strange[0]
        raise InputError(
            f"{folder / INDEX}: tensor {name!r} is in {index.get(name, 'no file')} by the index and in "
            f"{held.get(name, 'no file')} by the files: make the index anew"
        )
    return files


def load_whole(loader: Any, folder: Path, *, unused: tuple[str, ...] = (), **options: Any) -> Any:
    """`loader.from_pretrained`, from safetensors files of `folder` that hold every weight and nothing else.

    `unused` are beginnings of names that a user of a part of the model misses as little as he minds what is besides.
    Raises `InputError` for anything else.
    """
    if not (folder / "config.json").exists():
        raise InputError(f"{folder} has no config.json: it is no model of its own")
    files = weight_files(folder)
    try:
        with _quietly():
            model, info = loader.from_pretrained(
                str(folder),
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # so that they are listed below instead of a report of many lines
                **options,
            )
    except Exception as error:  # libraries raise whatever comes of a strange configuration or a damaged file
        raise InputError(f"cannot load the model in {folder}: {first_line(error)}") from error
    _check(
        folder,
        [name for name in info["missing_keys"] if not name.startswith(unused)],
        () if unused else info["unexpected_keys"],
        [name for name, *_ in info["mismatched_keys"]],
    )
    if not getattr(model.config, "quantization_config", None):
        check_kinds(files, model, frozenset(info["unexpected_keys"]))
    check_finite(model.state_dict().items(), folder)
    return model


def with_adapter(model: Any, folder: Path) -> Any:
    """`model` with an adapter laid on. Raises `InputError` unless its file holds just what it is made of."""
    from peft import PeftConfig, PeftModel

    files = weight_files(folder)
    check_kinds(files)
    check_finite_files(files)
    try:
        with _quietly():
            config = PeftConfig.from_pretrained(str(folder))
            config.init_lora_weights = False  # all of it is in the file, which is seen to below
            adapted = PeftModel.from_pretrained(model, str(folder), config=config)
            # Once more, because it is only this call that tells what was missing.
            result = adapted.load_adapter(str(folder), adapted.active_adapter)
    except Exception as error:
        if isinstance(error, KeyError):  # a module that is saved whole
            _check(folder, error.args, (), ())
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2])  # the second names the weight
        raise InputError(f"cannot lay the adapter in {folder} on its base: {reason}") from error
    _check(folder, result.missing_keys, result.unexpected_keys, ())
    return adapted


def merged(model: Any, folder: Path) -> Any:
    """`model` with an adapter's weights added to its own. Raises `InputError` as `with_adapter`."""
    whole = with_adapter(model, folder).merge_and_unload()
    check_finite(whole.state_dict().items(), folder)  # a factor may be too large for the numbers
    return whole


def check_names(path: Path, base: Path) -> None:
    """Raises `InputError` unless the files of a model (`path`, an adapter on `base`, or `base` itself) hold just what
    its configuration asks for: engines that read files themselves need not notice.

    The weights are read, but never all at once. A model that transformers cannot build is left to the engine that can,
    and so are quantized weights, whose names only their own readers know.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    for folder in {path, base}:
        weight_files(folder)
    try:
        config = AutoConfig.from_pretrained(str(base), trust_remote_code=False)
        known = type(config) in AutoModelForCausalLM._model_mapping
    except Exception:  # which the engine will meet, and tell
        return
    if not known or getattr(config, "quantization_config", None):
        return
    model = load_whole(AutoModelForCausalLM, base, device_map="meta")
    check_finite_files(weight_files(base))
    if base != path:
        with_adapter(model, path)


def _check(folder: Path, *names: Any) -> None:
    """`names` are those of the missing, the unknown and the wrongly shaped."""
    kinds = ("missing", "unknown", "of another shape")
    wrong = [
        f"{len(some)} weights {kind} ({', '.join(sorted(map(str, some))[:SHOWN])})"
        for kind, some in zip(kinds, names, strict=True)
        if some
    ]
    if wrong:
        raise InputError(
            f"{', '.join(wrong)} in {folder}: its files do not hold what its configuration describes"
        )


def _index(folder: Path) -> dict[str, str]:
    """Tensor → the file that the index names for it; nothing where there is no index."""
    index = folder / INDEX
    if not index.exists():
        return {}
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        content["metadata"].get("total_size")
        return {name: str(file) for name, file in content["weight_map"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{index} is damaged: it does not say what lies in which file") from error


def _check_names_no_files(config: Path) -> None:
    """transformers reads the weights from whatever file the configuration names, at any depth."""

    def look(entries: dict[str, Any]) -> dict[str, Any]:
        if entries.get("transformers_weights") is not None:
            raise InputError(
                f"{config} names the file of its weights (transformers_weights): take that out, they are read from "
                f"{SINGLE} or from what {INDEX} lists"
            )
        return entries

    try:
        json.loads(config.read_text(encoding="utf-8"), object_hook=look)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{config} cannot be read: {first_line(error)}") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """What is wrong is told in one line, by us."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
