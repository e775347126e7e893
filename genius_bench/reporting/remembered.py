"""What this code has counted before from these files is read instead of counted again: the board of fifty runs is told
from some thousands of tables.

    <home>/remembered/<hash of the code, of the files' names, sizes and times, of what was asked>.json

Nothing is lost with the folder; scores of which a file was changed, damaged or is gone are looked at anew.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

import genius_bench
from genius_bench.artifacts import Artifact
from genius_bench.errors import GeniusBenchError
from genius_bench.integrity import digest_of
from genius_bench.storage import publish_file

FOLDER = "remembered"

Counted = TypeVar("Counted")


def remembered(
    home: Path,
    adapter: TypeAdapter[Counted],
    asked: Any,
    files: Any,
    count: Callable[[], Counted],
    whole: Callable[[Counted], bool],
) -> Counted:
    """What `count` says, which must depend on nothing but the code, on what was `asked`, and on the `files` (both as
    JSON; see `seen`). What is not `whole`, because something else was not there, is counted again next time."""
    path = home / FOLDER / f"{digest_of([_code(), asked, files])}.json"
    try:
        return adapter.validate_python(json.loads(path.read_text()))
    except (OSError, ValueError, ValidationError):
        counted = count()
    if not whole(counted):
        return counted
    try:
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(adapter.dump_python(counted))
        publish_file(path, lambda file: file.write(text.encode()))
    except (OSError, GeniusBenchError):  # a home that is only read, or full: it is counted again next time
        pass
    return counted


def seen(artifact: Artifact) -> list[Any]:
    """Key, sizes and times of an artifact's files: whatever happens to one of them shows here."""
    found = []
    for folder in (artifact.path, artifact.path / "rows"):
        try:
            with os.scandir(folder) as entries:
                abouts = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        except OSError:  # gone, or without rows
            continue
        found += [[name, about.st_size, about.st_mtime_ns, about.st_ctime_ns] for name, about in abouts]
    return [artifact.kind, artifact.key, *sorted(found)]


@cache
def _code() -> str:
    """SHA-256 of all source of this package."""
    found = hashlib.sha256()
    for path in sorted(Path(genius_bench.__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
