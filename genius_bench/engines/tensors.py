"""What stands in safetensors files: every tensor once, of numbers with a fraction, all of them finite."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError

LONGEST_HEADER = 2**27
WHOLE_NUMBERS = re.compile(r"BOOL|[IU]\d+")
"""Types of a file that hold no fractions: a weight in one of them was rounded, and only its quantizer knows how."""


def tensors_in(file: Path) -> Iterator[tuple[str, list[int], str]]:
    """Name, shape and type of every tensor, in the order of the file. Raises `InputError` for a damaged one."""
    with open(file, "rb") as content:
        size = int.from_bytes(content.read(8), "little")
        text = content.read(min(size, LONGEST_HEADER))
    try:
        header = json.loads(text)
        yield from (
            (name, entry["shape"], entry["dtype"]) for name, entry in header.items() if name != "__metadata__"
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file} is damaged: its header cannot be read") from error


def names_by_file(files: list[Path]) -> dict[str, str]:
    """Tensor → the name of its file. Raises `InputError` where two files hold one."""
    held: dict[str, str] = {}
    for file in files:
        for name, *_ in tensors_in(file):
            if name in held:
                raise InputError(f"{file} and {held[name]} both hold tensor {name!r}: only one can be meant")
            held[name] = file.name
    return held


def check_kinds(files: list[Path], model: Any = None, unread: frozenset[str] = frozenset()) -> None:
    """Raises `InputError` for a tensor without fractions that is read into a weight which has them.

    Models may have tables of whole numbers of their own, and older files hold some that nobody reads.
    """
    own = [] if model is None else model.state_dict().items()
    tables = {name for name, tensor in own if not tensor.is_floating_point()}
    ignored = getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ()
    for file in files:
        for name, _, kind in tensors_in(file):
            known = name in unread or any(table == name or table.endswith(f".{name}") for table in tables)
            if (
                WHOLE_NUMBERS.fullmatch(kind)
                and not known
                and not any(re.search(one, name) for one in ignored)
            ):
                raise InputError(
                    f"{file}: tensor {name!r} is of type {kind}, but no quantization_config says how to read it"
                )


def check_finite(tensors: Iterable[tuple[str, Any]], place: Path) -> None:
    """Raises `InputError` for a tensor that holds what is no number. Tensors without contents are passed over."""
    import torch

    for name, tensor in tensors:
        if tensor.is_meta or not tensor.is_floating_point() or not tensor.numel():
            continue
        values = tensor.float() if tensor.element_size() == 1 else tensor  # eight bits know no extremes
        if not torch.stack(torch.aminmax(values)).isfinite().all():
            raise InputError(f"{place}: tensor {name!r} holds numbers that are not finite")


def check_finite_files(files: list[Path]) -> None:
    """`check_finite`, one tensor of the files at a time."""
    from safetensors import SafetensorError, safe_open

    for file in files:
        try:
            with safe_open(file, framework="pt") as content:
                check_finite(((name, content.get_tensor(name)) for name in content.keys()), file)  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise InputError(f"{file} is damaged: {error}") from error
