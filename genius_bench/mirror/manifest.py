"""What a mirror holds: `manifest.json`, with the size and SHA-256 of every file that was written."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from genius_bench.layers import validate
from genius_bench.storage import publish_file, read_json

NAME = "manifest.json"
Kind = Literal["task", "corpus", "model"]
Status = Literal["ok", "changed", "truncated", "missing", "unexpected"]


class HeldFile(BaseModel):
    """A file of the mirror as it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """Relative to the mirror."""
    bytes: int
    sha256: str
    rows: int | None = None


class Held(BaseModel):
    """A piece of the mirror; it has no files as long as it could not be had."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str
    place: str
    """The file (task, corpus) or folder (model) that holds it, relative to the mirror."""
    source: str
    asked: str | None = None
    """The revision that was asked for; the hub's newest when None."""
    revision: str | None = None
    """The commit that was found."""
    files: tuple[HeldFile, ...] = ()
    fingerprint: str | None = None
    """Of a task's items."""
    as_expected: bool | None = None
    """Whether a task's items are the ones its task file expects."""


class Manifest(BaseModel):
    """All pieces, those included that an interrupted or failing pull has not brought yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    pieces: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Something to mirror, and the way to get it into a folder."""

    wanted: Held
    use: str
    """The options that make a command read it, with `{}` for the mirror."""
    fetch: Callable[[Path], Held]


Pieces = dict[str, Held]


def read_manifest(folder: Path) -> Pieces | None:
    """Place → piece, or None for a folder without a manifest."""
    path = folder / NAME
    if not path.exists():
        return None
    manifest = validate(Manifest, read_json(path), NAME)
    return {held.place: held for held in manifest.pieces}


def write_manifest(folder: Path, pieces: Pieces) -> None:
    manifest = Manifest(pieces=tuple(held for _, held in sorted(pieces.items())))
    text = json.dumps(manifest.model_dump(), indent=2, ensure_ascii=False) + "\n"
    publish_file(folder / NAME, lambda file: file.write(text.encode()), "DIR")


def held_file(folder: Path, path: str, rows: int | None = None) -> HeldFile:
    """A file as it is now."""
    with open(folder / path, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return HeldFile(path=path, bytes=(folder / path).stat().st_size, sha256=digest, rows=rows)


def status_of(folder: Path, file: HeldFile) -> Status:
    """A file compared with what was written."""
    path = folder / file.path
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != file.bytes:
        return "truncated" if size < file.bytes else "changed"
    return "ok" if held_file(folder, file.path).sha256 == file.sha256 else "changed"


def is_whole(folder: Path, wanted: Held, held: Held | None) -> bool:
    """Whether a piece is there as it was asked for, every byte of it."""
    if held is None or not held.files or (held.source, held.asked) != (wanted.source, wanted.asked):
        return False
    return all(status_of(folder, file) == "ok" for file in held.files)
