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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genius_bench import __version__
from genius_bench.artifacts import Artifact, Store, publish_file
from genius_bench.errors import InputError, nearest
from genius_bench.runs import Run, read_runs

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

    Raises `InputError` for a name that fits no run, or several, and where the file cannot be written.
    """
    store, runs = Store(home), chosen_runs(home, names)
    held = _by_key(store)
    artifacts, gone = _closure(runs, held, weights)
    records = {f"runs/{run.id}.json": _record(run) for run in runs}
    files = {
        f"artifacts/{one.kind}/{one.key}/{file.relative_to(one.path).as_posix()}": file
        for one in artifacts
        for file in sorted(one.path.rglob("*"))
        if file.is_file()
    }
    contents = {
        "format": FORMAT,
        "made_by": f"genius-bench {__version__}",
        "runs": [run.id for run in runs],
        "weights": weights,
        "files": {name: _described(record) for name, record in records.items()}
        | {name: _described_file(file) for name, file in files.items()},
    }
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        publish_file(path, lambda file: _write(file, contents, records, files))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return Exported([run.id for run in runs], len(artifacts), path.stat().st_size, sorted(gone))


def chosen_runs(home: Path, names: Sequence[str]) -> list[Run]:
    """The runs that names begin, each once."""
    runs = read_runs(home)
    if not runs:
        raise InputError(f"no runs in {home}")
    if not names:
        return runs
    found: dict[str, Run] = {}
    for name in names:
        fitting = [run for run in runs if run.id.startswith(name)]
        exact = [run for run in fitting if run.id == name]
        if len(exact or fitting) != 1:
            several = ", ".join(run.id for run in fitting)
            hint = f"it may be one of {several}" if fitting else nearest(name, [run.id for run in runs])
            raise InputError(f"run '{name}' is not one of {home}: {hint}")
        (run,) = exact or fitting
        found[run.id] = run
    return list(found.values())


def _by_key(store: Store) -> dict[str, Artifact]:
    kinds = sorted(path.name for path in (store.home / "artifacts").glob("*") if path.is_dir())
    return {artifact.key: artifact for kind in kinds for artifact in store.all(kind)}


def _closure(
    runs: Sequence[Run], held: dict[str, Artifact], weights: bool
) -> tuple[list[Artifact], set[str]]:
    """Everything that the runs name, and what that was made from: an input is an artifact where its key is one."""
    wanted = [key for run in runs for key in keys_of(run).items()]
    gone = {f"{kind} {key[:12]}" for key, kind in wanted if key not in held}
    open_keys = [key for key, _ in wanted if key in held]
    # The queries of a run are named by their content.
    contents = {run.corpus.get("fingerprint") for run in runs}
    open_keys += [
        one.key
        for one in held.values()
        if one.kind == "queries" and one.manifest["inputs"].get("content") in contents
    ]
    found: dict[str, Artifact] = {}
    while open_keys:
        key = open_keys.pop()
        if key not in found:
            found[key] = held[key]
            open_keys += [one for one in held[key].manifest["inputs"].values() if one in held]
    kept = [one for one in found.values() if weights or one.kind != "checkpoint"]
    return sorted(kept, key=lambda one: (one.kind, one.key)), gone


def keys_of(run: Run) -> dict[str, str]:
    """Key → kind of every artifact that a run names."""
    keys = {key: "scores" for one in run.evaluations for key in one.scores.values()}
    for checkpoint in run.checkpoints:
        keys |= {checkpoint["key"]: "checkpoint", checkpoint["training_set"]: "training-set"}
    return keys


def _record(run: Run) -> bytes:
    """A run without the places where it was made."""
    values: dict[str, Any] = asdict(run)
    for kind in ("checkpoints", "on_the_way"):
        values[kind] = [
            {name: value for name, value in one.items() if name != "path"} for one in values[kind]
        ]
    return json.dumps(values, indent=2, ensure_ascii=False).encode()


def _described(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _described_file(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


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
