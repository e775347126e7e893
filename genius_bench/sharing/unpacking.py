"""The files of an archive into a folder of their own: just those that its list names, byte for byte."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from genius_bench.errors import InputError, first_line
from genius_bench.integrity import Listed
from genius_bench.sharing.archive import CONTENTS, FORMAT
from genius_bench.sharing.plain_tar import Content, NotPlainError, members
from genius_bench.sharing.records import ListedFile

NAME = re.compile(
    r"runs/[\w+-][\w.+-]*\.json|artifacts/[a-z][a-z-]*/[0-9a-f]{64}/(?:[\w+-][\w.+=-]*/)*[\w+-][\w.+=-]*"
)
LARGEST_LIST = 256 * 2**20


class _Contents(BaseModel):
    model_config = ConfigDict(strict=True)
    files: dict[str, ListedFile]


def unpack(path: Path, folder: Path) -> Listed:
    """Writes the files of an archive below `folder`, each checked while it is written; returns its list of them.

    Raises `InputError` that names the first thing that is not as the list says, or where the disk has no room.
    """
    try:
        return _unpack(path, folder)
    except NotPlainError as error:
        raise InputError(f"{path} is no whole archive of genius-bench ({error})") from error


def _unpack(path: Path, folder: Path) -> Listed:
    archive = members(path)
    name, size, content = next(archive, ("", 0, iter(())))
    if name != CONTENTS or size > LARGEST_LIST:
        raise InputError(f"{path} is no archive of genius-bench: it does not begin with {CONTENTS}")
    files = _listed(path, b"".join(content))
    _check_room(path, files, folder)
    waiting = dict(files)
    for name, size, content in archive:
        expected = waiting.pop(name, None)
        if expected is None or size != expected["bytes"]:
            raise InputError(f"{path}: {name!r} is not as its list says")
        if _write(content, folder / name) != expected["sha256"]:
            raise InputError(f"{path}: {name} was changed or damaged (its SHA-256 is another)")
    if waiting:
        raise InputError(f"{path} is not whole: {next(iter(waiting))} is missing")
    return files


def _listed(path: Path, text: bytes) -> Listed:
    try:
        contents = json.loads(text)
        made_as = contents["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: its list of contents is damaged") from error
    if type(made_as) is not int or made_as != FORMAT:
        raise InputError(
            f"{path} has format {made_as!r:.40}, this version reads {FORMAT}: update genius-bench"
        )
    try:
        files = _Contents.model_validate(contents).model_dump()["files"]
    except ValidationError as error:
        raise InputError(f"{path}: its list of contents is damaged ({error.errors()[0]['msg']})") from error
    for name in files:
        if not NAME.fullmatch(name) or max(map(len, name.encode().split(b"/"))) > 255:
            raise InputError(f"{path}: {name!r} is no place for a file of an archive")
    return dict(files)


def _check_room(path: Path, files: Listed, folder: Path) -> None:
    needed, free = sum(file["bytes"] for file in files.values()), shutil.disk_usage(folder.parent).free
    if needed > free:
        raise InputError(
            f"{path} holds {needed / 2**20:,.0f} MiB, and {free / 2**20:,.0f} MiB are free: choose another --home"
        )


def _write(content: Content, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with open(path, "xb") as file:
            for block in content:
                digest.update(block)
                file.write(block)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path.name} is a file and a folder at once ({first_line(error)})") from error
    return digest.hexdigest()
