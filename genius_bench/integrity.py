"""Whether what is read is what was written: SHA-256 of files, and of the JSON records that list them.

A manifest or run carries the digest of itself (`seal`); a manifest lists size and SHA-256 of every file of its
artifact. Records from before there were such digests have none and are read as they are.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from genius_bench.errors import InputError

SEAL = "digest"
SETTLED_NS = 2 * 10**9
"""A file that was changed less than this ago could change once more without its times telling."""

SMALL = 2**17

Listed = dict[str, dict[str, Any]]
"""Name within a folder → {"bytes": …, "sha256": …}."""

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_known: dict[tuple[str | int, ...], Any] = {}

Found = TypeVar("Found")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form. Half of a surrogate pair is no text, but JSON."""
    return hashlib.sha256(_canonical(value).encode(errors="surrogatepass")).hexdigest()


def seal(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its digest, as JSON reads it back."""
    plain = json.loads(json.dumps({name: value for name, value in record.items() if name != SEAL}))
    return {**plain, SEAL: digest_of(plain)}


def seal_holds(record: dict[str, Any]) -> bool:
    """Whether a record that has a digest has its own."""
    plain = {name: value for name, value in record.items() if name != SEAL}
    return SEAL not in record or record[SEAL] == digest_of(plain)


def unsealed(record: dict[str, Any], path: Path, remedy: str, *, mark: str = "") -> dict[str, Any]:
    """A record from `path` without its digest. Raises `InputError` that names the file when they do not agree.

    A record that has the field `mark` was written with a digest; one without it may be an old one.
    """
    if not seal_holds(record) or (mark in record and SEAL not in record):
        raise InputError(f"{path} was changed or damaged since it was written: {remedy}")
    return {name: value for name, value in record.items() if name != SEAL}


def sha256_of(path: Path) -> str:
    """Of a file's content."""

    def hashed() -> str:
        with open(path, "rb", buffering=0) as file:
            beginning = file.read(SMALL)  # all of most files, without a buffer that is larger than they are
            if len(beginning) < SMALL:
                return hashlib.sha256(beginning).hexdigest()
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

    return once(path, "sha256", hashed)


def once(path: Path, what: str, find_out: Callable[[], Found]) -> Found:
    """What `find_out` says of a file: asked once a process as long as the file stays as it is."""
    about = os.stat(path)
    if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) < SETTLED_NS:
        return find_out()
    name = (what, about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    if name not in _known:
        _known[name] = find_out()
    found: Found = _known[name]
    return found


def list_files(folder: Path, *, but: tuple[str, ...] = ()) -> Listed:
    """All files of a folder, those that `but` names aside."""
    files = {
        file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()
    }
    return {name: described(file) for name, file in files.items() if name not in but}


def described(file: Path) -> dict[str, Any]:
    """What is written down of a file."""
    return {"bytes": file.stat().st_size, "sha256": sha256_of(file)}


def what_is_wrong(path: Path, listed: dict[str, Any] | None, *, contents: bool = True) -> str | None:
    """How a file differs from what was written down of it; None when it does not. `contents`: its hash, too."""
    if listed is None:
        return "is not one of the files that were written"
    try:
        if contents and sha256_of(path) != listed["sha256"]:
            return "is damaged (it has another SHA-256 than when it was written)"
        if not contents and path.stat().st_size != listed["bytes"]:
            return "is damaged (it has another size than when it was written)"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None
