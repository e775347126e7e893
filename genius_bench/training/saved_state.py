"""States from which an interrupted training continues: whole or absent, and always with finite weights.

<states>/checkpoint-<step>/
    trainer_state.json           step and log, as `transformers.Trainer` writes them
    schedule.json                the learning rate's schedule
    weights-<process>-….safetensors  pieces of weights and AdamW's averages, "<weight>:<first element>:<what>" each
    random-<process>.safetensors   random number generators
    complete                     the marker: it is written when everything else of all processes is on disk

<states>/kept-<step>/            weights alone, in the same pieces: of checkpoints on the way that are wanted

A folder without the marker was being written when the training died. A state does not depend on the number of
processes or on the sharding that wrote it: whoever reads it takes the elements it needs from wherever they are.
"""

import errno
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from genius_bench.errors import GeniusBenchError, first_line
from genius_bench.storage import fsync
from genius_bench.training.holdings import Fragment, Holdings

MARKER = "complete"
SCHEDULE = "schedule.json"
FILE_BYTES = 2**31


def newest_state(folder: Path) -> Path | None:
    """The last whole state, None when there is none yet."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / MARKER).exists()]
    return max(whole, key=step_of, default=None)


def kept_weights(folder: Path) -> list[Path]:
    """Of the checkpoints on the way, in the order of steps."""
    return sorted((path for path in folder.glob("kept-*") if (path / MARKER).exists()), key=step_of)


def remove_broken_states(folder: Path) -> None:
    for path in [*folder.glob("checkpoint-*"), *folder.glob("kept-*")]:
        if not (path / MARKER).exists():
            shutil.rmtree(path)


def seal_state(state: Path) -> None:
    """Makes a state count, then removes the older ones."""
    seal(state)
    for path in state.parent.glob("checkpoint-*"):
        if path != state:
            shutil.rmtree(path)


def seal(folder: Path) -> None:
    """Makes what was written count: all of it is on disk before the marker is."""
    for file in folder.iterdir():
        fsync(file)
    (folder / MARKER).touch()
    fsync(folder / MARKER)
    fsync(folder)
    fsync(folder.parent)


def step_of(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def weights_are_finite(fragments: list[Fragment]) -> bool:
    return all(bool(torch.isfinite(fragment.tensors["weight"]).all()) for fragment in fragments)


def write_part(state: Path, fragments: list[Fragment], scheduler: Any, process: int) -> None:
    """One process's part of a state, on disk when this returns. Raises `OSError` where there is no room for it."""
    _write_pieces(state, fragments, process)
    write_tensors(_random_state(), state / f"random-{process:05d}.safetensors")
    if process == 0:
        (state / SCHEDULE).write_text(json.dumps(scheduler.state_dict()))


def write_weights(folder: Path, fragments: list[Fragment], process: int) -> None:
    """One process's part of the weights alone, on disk when this returns. Raises `OSError` like `write_part`."""
    weights = [
        Fragment(one.name, one.start, {"weight": one.tensors["weight"]}, one.step) for one in fragments
    ]
    _write_pieces(folder, weights, process)


def _write_pieces(folder: Path, fragments: list[Fragment], process: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, some in enumerate(_by_file(fragments)):
        write_tensors(_pieces_of(some), folder / f"weights-{process:05d}-{number:05d}.safetensors")


def _by_file(fragments: list[Fragment]) -> Iterator[list[Fragment]]:
    """A file's worth at a time: what is written passes through the processor's memory."""
    some: list[Fragment] = []
    for fragment in fragments:
        some.append(fragment)
        if sum(tensor.nbytes for held in some for tensor in held.tensors.values()) >= FILE_BYTES:
            yield some
            some = []
    if some:
        yield some


def _pieces_of(fragments: list[Fragment]) -> dict[str, Tensor]:
    pieces: dict[str, Tensor] = {}
    for fragment in fragments:
        place = f"{fragment.name}:{fragment.start}"
        pieces[f"{place}:step"] = torch.tensor([fragment.step.item()])
        pieces |= {f"{place}:{kind}": tensor.detach().cpu() for kind, tensor in fragment.tensors.items()}
    return pieces


def write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """A safetensors file, on disk when this returns. Raises `OSError` where there is no room for it."""
    try:
        save_file(tensors, path)
        fsync(path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise storage_failure(error) from error


def read_part(state: Path, holdings: Holdings, optimizer: Any, scheduler: Any) -> None:
    """Puts a state's values into what this process holds. To be called on all processes."""
    pieces = Pieces(state)
    for fragment in holdings.fragments():
        for kind, tensor in fragment.tensors.items():
            tensor.copy_(pieces.read(fragment.name, kind, fragment.start, fragment.start + tensor.numel()))
        fragment.step.fill_(pieces.read(fragment.name, "step", 0, 1).item())
    holdings.weights_have_changed()
    scheduler.load_state_dict(json.loads((state / SCHEDULE).read_text()))
    for group, rate in zip(optimizer.param_groups, scheduler.get_last_lr(), strict=True):
        group["lr"] = rate


class Pieces:
    """The pieces of a state, by weight and kind, from however many files."""

    def __init__(self, state: Path) -> None:
        self._files = [safe_open(path, "pt") for path in sorted(state.glob("weights-*.safetensors"))]
        self._found: dict[tuple[str, str], list[tuple[int, Any]]] = defaultdict(list)
        for file in self._files:
            for key in file.keys():  # noqa: SIM118 (a safetensors handle is no dictionary)
                name, start, kind = key.rsplit(":", 2)
                # Its step belongs to all elements of a weight: they have always been stepped together.
                first = 0 if kind == "step" else int(start)
                self._found[name, kind].append((first, file.get_slice(key)))

    def names(self) -> set[str]:
        return {name for name, _ in self._found}

    def read(self, name: str, kind: str, start: int, stop: int) -> Tensor:
        """Elements `start` to `stop` of a weight or an average. Raises `GeniusBenchError` where some are missing."""
        parts, at = [], start
        for first, piece in sorted(self._found[name, kind], key=lambda found: found[0]):
            last = first + piece.get_shape()[0]
            if first <= at < min(last, stop):
                parts.append(piece[at - first : min(last, stop) - first])
                at = min(last, stop)
        if at < stop:
            raise GeniusBenchError(f"the saved state has no elements {at} to {stop} of '{name}' ({kind})")
        return torch.cat(parts) if parts else torch.empty(0)


def _random_state() -> dict[str, Tensor]:
    states = {"cpu": torch.random.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.random.get_rng_state()
    return states


def restore_random_state(state: Path, process: int) -> None:
    """Of this process's number; one that the state does not know keeps its own seed."""
    path = state / f"random-{process:05d}.safetensors"
    if path.exists():
        states = load_file(path)
        torch.random.set_rng_state(states["cpu"])
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.random.set_rng_state(states["cuda"])


def storage_failure(error: Exception) -> OSError:
    """What a full disk looks like from torch and safetensors (a RuntimeError or an error of their own), as OSError."""
    if isinstance(error, OSError):
        return error
    return OSError(errno.ENOSPC, f"the weights could not be written ({first_line(error)})")
