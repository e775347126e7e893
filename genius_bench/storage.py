"""Files on disk: they appear whole, one process at a time changes them, and what goes wrong is one line."""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.printing import note

FULL = {errno.ENOSPC, errno.EDQUOT}
STORAGE_TROUBLE = {*FULL, errno.EROFS}
"""What an `OSError` raised by a stage must be for the home to be blamed: stages also open models and sockets."""


def publish_file(final: Path, write: Callable[[Any], object], elsewhere: str = "--home") -> None:
    """A file that appears under its name whole and on disk, or not at all; of several writers the last one counts.

    Raises `InputError` where it cannot be written, which offers another place: `elsewhere` is the option for it.
    """
    temporary = final.with_name(f"{final.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        move(temporary, final)
    except OSError as error:
        raise storage_error(final, error, elsewhere) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(home: Path, name: str, waiting: str = "") -> Iterator[None]:
    """Only one process is inside at a time; a kill lets the next one in. `waiting` is said to who has to wait.

    Raises `InputError` where the home cannot be written.
    """
    lock = FileLock(home / "locks" / f"{name}.lock")
    try:
        (home / "locks").mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting:
                note(waiting)
            lock.acquire()
    except OSError as error:
        raise storage_error(home, error) from error
    try:
        yield
    finally:
        lock.release()


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file of the store. Raises `InputError` that names the file when it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): remove it, then run again what made it"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: remove it, then run again what made it")
    return value


def move(source: Path, final: Path) -> None:
    """A file or folder under its new name, on disk."""
    source.rename(final)
    fsync(final.parent)


def fsync(path: Path) -> None:
    """A file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError, elsewhere: str = "--home") -> GeniusBenchError:
    reason = error.strerror or str(error)
    if error.errno not in FULL:
        return InputError(
            f"cannot write to {path}: {reason}. Nothing finished is lost: choose another {elsewhere}"
        )
    existing = next(p for p in [path, *path.parents] if p.exists())
    free = shutil.disk_usage(existing).free / 2**20
    return InputError(
        f"cannot write to {path}: {reason} ({free:.0f} MiB free). Nothing finished is lost: free space or choose "
        f"another {elsewhere}, then run the same command again."
    )
