"""States from which an interrupted training continues: whole or absent, and always with finite weights.

A state is a `checkpoint-<step>` folder of `transformers.Trainer`. It counts only with a marker file, which is written
after everything else has reached the disk; a folder without one was being written when the process died.
"""

import errno
import shutil
from pathlib import Path

import torch

from genius_bench.artifacts import fsync

MARKER = "complete"


def newest_state(folder: Path) -> Path | None:
    """The last whole state, None when there is none yet."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / MARKER).exists()]
    return max(whole, key=step_of, default=None)


def remove_broken_states(folder: Path) -> None:
    for path in folder.glob("checkpoint-*"):
        if not (path / MARKER).exists():
            shutil.rmtree(path)


def seal_state(state: Path) -> None:
    """Makes a state count, then removes the older ones."""
    for file in state.iterdir():
        fsync(file)
    (state / MARKER).touch()
    fsync(state / MARKER)
    fsync(state)
    fsync(state.parent)
    for path in state.parent.glob("checkpoint-*"):
        if path != state:
            shutil.rmtree(path)


def step_of(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def weights_are_finite(model: torch.nn.Module) -> bool:
    return all(bool(torch.isfinite(weight).all()) for weight in model.parameters() if weight.requires_grad)


def storage_failure(error: Exception) -> OSError:
    """What a full disk looks like from torch and safetensors (a RuntimeError or an error of their own), as OSError."""
    if isinstance(error, OSError):
        return error
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return OSError(errno.ENOSPC, f"the weights could not be written ({reason})")
