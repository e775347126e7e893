"""Checking a mirror, or any folder of data sets: every file against the manifest, every task's items."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import available_tasks
from genius_bench.mirror.manifest import NAME, Held, Pieces, Status, read_manifest, status_of
from genius_bench.mirror.tasks import task_folder, task_state

EXPLAINED: dict[Status, str] = {
    "ok": "",
    "changed": "other bytes than were fetched",
    "truncated": "shorter than it was",
    "missing": "was fetched and is gone",
    "unexpected": "not in the manifest",
}


@dataclass(frozen=True)
class Finding:
    status: Status
    what: str
    detail: str = ""


def verify(folder: Path) -> list[Finding]:
    """One finding a file (where there is a manifest) and one a task whose data set is there.

    Raises `InputError` when there is nothing to check.
    """
    pieces = read_manifest(folder)
    findings = [] if pieces is None else [*_files(folder, pieces), *_unexpected(folder, pieces)]
    findings += _tasks(folder)
    if pieces is None and not findings:
        raise InputError(f"{folder} holds no {NAME} and no task's data set: nothing to verify")
    return findings


def _files(folder: Path, pieces: Pieces) -> Iterator[Finding]:
    for held in pieces.values():
        if not held.files:
            yield Finding("missing", held.place, f"{held.kind} {held.name} has not been fetched yet")
        for file in held.files:
            status = status_of(folder, file)
            yield Finding(status, file.path, EXPLAINED[status] or _origin(held))


def _origin(held: Held) -> str:
    return f"{held.source} at {held.revision[:12]}" if held.revision else held.source


def _unexpected(folder: Path, pieces: Pieces) -> Iterator[Finding]:
    known = {NAME, *(file.path for held in pieces.values() for file in held.files)}
    unfetched = [Path(held.place) for held in pieces.values() if not held.files]
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if not path.is_file() or hidden or place.as_posix() in known:
            continue
        begun = any(place.is_relative_to(one) for one in unfetched)
        yield Finding(
            "unexpected", place.as_posix(), "of an unfinished pull" if begun else EXPLAINED["unexpected"]
        )


def _tasks(folder: Path) -> Iterator[Finding]:
    for card in available_tasks():
        if not card.facts.items and (folder / task_folder(card)).is_dir():
            state = task_state(card, folder)
            yield Finding(state.status, f"task {card.name}", state.detail)
