"""What training processes tell the command that launched them, through files of a folder: how far, and what is wrong.

<folder>/progress.jsonl          by the first process: lines for the user, work that begins, and how much of it is done
<folder>/error-<process>.json    the one line for the user, by a process that cannot go on
<folder>/peak-<process>.json     the most memory it has held, by a process that is done
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from genius_bench.environment import peak_memory_bytes
from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.printing import note
from genius_bench.progress import Advance, progress


class Show(Protocol):
    """How long work is shown: `genius_bench.progress.progress`, or what stands for it in a launched process."""

    def __call__(
        self, description: str, total: int, unit: str, done: int = 0
    ) -> AbstractContextManager[Advance]: ...


@dataclass(frozen=True)
class Voice:
    """How a training process speaks to the user."""

    show: Show
    say: Callable[[str], None]


def spoken_here() -> Voice:
    """For the process of the command itself."""
    return Voice(progress, note)


def unheard() -> Voice:
    """For all processes of a launcher but the first."""

    @contextmanager
    def hide(description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
        yield lambda count: None

    return Voice(hide, lambda line: None)


def relayed(folder: Path) -> Voice:
    """For the first process of a launcher: a `Mirror` repeats it where the command was given."""

    def tell(message: Any) -> None:
        with (folder / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")

    @contextmanager
    def show(description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
        tell([description, total, unit, done])
        yield tell

    return Voice(show, tell)


class Mirror:
    """Repeats here what the first process says there; to be asked now and then."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.jsonl"
        self._file: IO[str] | None = None
        self._line = ""
        self._work = ExitStack()
        self._advance: Advance = lambda count: None

    def __enter__(self) -> "Mirror":
        return self

    def __exit__(self, *error: Any) -> None:
        self._work.close()
        if self._file is not None:
            self._file.close()

    def update(self) -> None:
        if self._file is None and self._path.exists():
            self._file = self._path.open(encoding="utf-8")
        while self._file is not None and (text := self._file.readline()):
            self._line += text
            if text.endswith("\n"):
                self._hear(json.loads(self._line))
                self._line = ""

    def _hear(self, message: Any) -> None:
        if isinstance(message, int):
            self._advance(message)
            return
        self._work.close()
        if isinstance(message, list):
            self._advance = self._work.enter_context(progress(*message))
        else:
            note(message)


def tell_error(folder: Path, process: int, error: BaseException) -> None:
    """Leaves an error where `first_error` finds it."""
    kind, message, number = type(error).__name__, " ".join(str(error).split()), None
    if isinstance(error, OSError):
        kind, message, number = "OSError", error.strerror or message, error.errno
    elif not isinstance(error, GeniusBenchError) and isinstance(error, Exception):
        message = first_line(error)
    told_error = {"time": time.time(), "kind": kind, "message": message, "number": number}
    temporary = folder / f"error-{process:05d}.tmp"
    temporary.write_text(json.dumps(told_error))
    temporary.rename(folder / f"error-{process:05d}.json")


SAID_FOR_USERS = ("InputError", "OSError", "MemoryError", "OutOfMemoryError", "GeniusBenchError")
"""Errors that say why training stopped. Others may only be what happens to a process when another one is gone."""


def first_error(folder: Path) -> Exception | None:
    """The error that stopped the training, as the process that met it would have raised it here."""
    found = [json.loads(path.read_text()) for path in folder.glob("error-*.json")]
    if not found:
        return None
    first = min(found, key=lambda error: (error["kind"] not in SAID_FOR_USERS, error["time"]))
    kind, message = first["kind"], first["message"]
    if kind == "OSError" and first["number"] is not None:
        return OSError(first["number"], message)
    if kind in ("MemoryError", "OutOfMemoryError"):
        return MemoryError(message)
    if kind in SAID_FOR_USERS:
        return InputError(message) if kind == "InputError" else GeniusBenchError(message)
    return GeniusBenchError(f"a training process stopped with {kind}: {message} (see the logs in {folder})")


def tell_peak(folder: Path, process: int) -> None:
    """Leaves the most memory that this process has held where `largest_peak` finds it."""
    (folder / f"peak-{process:05d}.json").write_text(json.dumps(peak_memory_bytes()))


def largest_peak(folder: Path) -> dict[str, int]:
    """Bytes that the process which held the most has held: resident, and on its accelerator where there is one."""
    peaks = [json.loads(path.read_text()) for path in folder.glob("peak-*.json")]
    kinds = {kind for peak in peaks for kind in peak}
    return {kind: max(peak.get(kind, 0) for peak in peaks) for kind in sorted(kinds)}
