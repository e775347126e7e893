"""A run, or a whole board, as one file: a tar of runs and of all artifacts that they were made from.

    archive.json                    first: format, runs, size and SHA-256 of every other file
    runs/<id>.json                  without paths of the home that they come from
    artifacts/<kind>/<key>/…        as they lie in a home

Whoever reads it can check every byte before any of it counts (`importing`).
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genius_bench import __version__
from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import InputError
from genius_bench.integrity import described
from genius_bench.runs import Run, chosen_runs
from genius_bench.sharing.checking import check_fingerprints
from genius_bench.sharing.references import closure, files_of, without_places
from genius_bench.storage import publish_file

FORMAT = 1
CONTENTS = "archive.json"


@dataclass(frozen=True)
class Exported:
    """What went into an archive, and what was wanted but is not in the home."""

    runs: list[str]
    artifacts: int
    bytes: int
    gone: list[str] = field(default_factory=list)


def export(home: Path, names: Sequence[str], path: Path, *, weights: bool = True) -> Exported:
    """Writes the runs whose ids begin with `names` (all when none are given). Without `weights`, checkpoints stay.

    Raises `InputError` for a name that fits no run, or several, for anything that is damaged, for scores that are gone,
    and where the file cannot be written.
    """
    store, runs = Store(home), chosen_runs(home, names)
    artifacts, gone = _closure(runs, store, weights)
    for one in artifacts:
        one.check(contents=True)
    if weights:
        check_fingerprints(runs, store)
    records = {
        f"runs/{run.id}.json": json.dumps(without_places(run), indent=2, ensure_ascii=False).encode()
        for run in runs
    }
    files = {
        f"artifacts/{one.kind}/{one.key}/{name}": one.path / name
        for one in artifacts
        for name in files_of(one)
    }
    contents = {
        "format": FORMAT,
        "made_by": f"genius-bench {__version__}",
        "runs": [run.id for run in runs],
        "weights": weights,
        "files": {name: _described(record) for name, record in records.items()}
        | {name: described(file) for name, file in files.items()},
    }
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        publish_file(path, lambda file: _write(file, contents, records, files), "--output")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return Exported([run.id for run in runs], len(artifacts), path.stat().st_size, sorted(gone))


def _closure(runs: Sequence[Run], store: Store, weights: bool) -> tuple[list[Artifact], set[str]]:
    """Everything that goes into an archive, and what of it is gone."""
    found, gone = closure(runs, store)
    if lost := next((key for key, kind in gone.items() if kind == "scores"), None):
        raise InputError(f"scores {lost[:12]} are not in {store.home}: run again what made them")
    kept = [one for one in found.values() if weights or one.kind != "checkpoint"]
    return sorted(kept, key=lambda one: (one.kind, one.key)), {
        f"{kind} {key[:12]}" for key, kind in gone.items()
    }


def _described(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _write(file: Any, contents: dict[str, Any], records: dict[str, bytes], files: dict[str, Path]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in _texts(contents, records):
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
        for name, path in files.items():
            with open(path, "rb") as source:
                archive.addfile(_member(name, path.stat().st_size), source)


def _texts(contents: dict[str, Any], records: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield CONTENTS, json.dumps(contents, indent=1, sort_keys=True).encode()
    yield from records.items()


def _member(name: str, size: int) -> tarfile.TarInfo:
    """The same archive whoever makes it, and whenever."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
