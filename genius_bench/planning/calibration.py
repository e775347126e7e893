"""Small measurements on this machine, each in a process of its own with a time limit, kept in the home.

<home>/calibration/<key>.json      what was measured, under a key of all that it depends on
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.integrity import digest_of
from genius_bench.printing import note
from genius_bench.processes import in_own_process
from genius_bench.storage import publish_file, read_json, storage_error

VERSION = 3
"""Raise it when something is measured in another way."""
SECONDS = 120.0
"""After so long a calibration ends with what it has."""
LOADING_SECONDS = 900.0
"""And after so much longer it is ended by force: it hangs, or the model is too large to plan by trying."""
INSTEAD = "say with --throughput what this hardware can do, and nothing is tried"

Numbers = dict[str, Any]


def calibrated(
    home: Path, kind: str, depends_on: Any, measure: Callable[..., Numbers], *arguments: Any
) -> Numbers:
    """The numbers of an earlier calibration that depended on the same, or those that `measure` finds now.

    Raises `GeniusBenchError` that offers --throughput where nothing could be measured.
    """
    folder = home / "calibration"
    path = folder / f"{kind}-{digest_of([VERSION, kind, depends_on])[:16]}.json"
    if path.exists():
        return read_json(path)
    note(f"calibrating {kind} (up to {SECONDS:.0f} s)")
    try:
        numbers = in_own_process(measure, *arguments)
    except InputError:
        raise
    except GeniusBenchError as error:
        raise GeniusBenchError(f"{kind} could not be calibrated ({error}): {INSTEAD}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    publish_file(path, lambda file: file.write(json.dumps(numbers, indent=1).encode()))
    return numbers


@contextmanager
def measuring() -> Iterator[Callable[[], int]]:
    """Yields a function that tells how many bytes the body has needed at most: on the accelerator, or in main memory
    beyond what the process had. Ends this process when the body takes far too long."""
    import torch

    from genius_bench.environment import peak_memory_bytes

    before = peak_memory_bytes()["resident"]

    def peak() -> int:
        now = peak_memory_bytes()
        return now["accelerator"] if torch.cuda.is_available() else max(0, now["resident"] - before)

    watchdog = threading.Timer(SECONDS + LOADING_SECONDS, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield peak
    finally:
        watchdog.cancel()
