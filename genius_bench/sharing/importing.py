"""An archive from elsewhere into a home: nothing of it counts until all of it was checked.

Checked are: that it holds just the files it lists, byte for byte; that every artifact's name is the hash of what its
manifest says determined it; that every checkpoint has the fingerprint under which it was scored; and that nothing here
has the same name and another content. Files are written by us, as plain files, into a folder of their own first.
"""

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Identity, Store, read_json
from genius_bench.engines.loading import fingerprint
from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.runs import Run, read_run, write_run
from genius_bench.sharing.archive import CONTENTS, FORMAT, keys_of
from genius_bench.sharing.cards import write_cards

NAME = re.compile(
    r"runs/[\w.+-]+\.json|artifacts/[a-z][a-z-]*/[0-9a-f]{64}/(?:[\w+-][\w.+=-]*/)*[\w+-][\w.+=-]*"
)
PLACE = re.compile(r"steps/[0-9]+/model|[0-9a-f]{64}")
LARGEST_LIST = 256 * 2**20
APART = ("manifest.json", "README.md")
"""Files that differ between two homes although the result is the same: when and where it was made, and its card."""
APART_FOLDERS = ("tensorboard",)


@dataclass(frozen=True)
class Imported:
    runs: list[str]
    artifacts: int
    known: int
    """Runs and artifacts that were here already, equal."""
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, and why."""


def import_archive(home: Path, path: Path) -> Imported:
    """Raises `InputError` that names the first thing that is wrong; the home is then as it was."""
    store = Store(home)
    staging = home / "imports" / f"{path.name}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _unpack(path, staging)
        return _take_in(store, staging, path)
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{path} is no whole archive of genius-bench ({first_line(error)})") from error
    except OSError as error:
        raise InputError(f"cannot import {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _unpack(path: Path, staging: Path) -> None:
    """The listed files, each checked while it is written."""
    with tarfile.open(path, "r") as archive:
        first = archive.next()
        if first is None or first.name != CONTENTS or not first.isreg() or first.size > LARGEST_LIST:
            raise InputError(f"{path} is no archive of genius-bench: it does not begin with {CONTENTS}")
        files = _listed(path, archive.extractfile(first).read())  # type: ignore[union-attr]  # a regular file
        waiting = dict(files)
        while member := archive.next():
            expected = waiting.pop(member.name, None)
            if expected is None or not member.isreg() or member.size != expected["bytes"]:
                raise InputError(f"{path}: {member.name!r} is not as its list says")
            digest = _write(archive.extractfile(member), staging / member.name)
            if digest != expected["sha256"]:
                raise InputError(f"{path}: {member.name} was changed or damaged (its SHA-256 is another)")
        if waiting:
            raise InputError(f"{path} is not whole: {next(iter(waiting))} is missing")


def _listed(path: Path, text: bytes) -> dict[str, dict[str, Any]]:
    try:
        contents = json.loads(text)
        files: dict[str, dict[str, Any]] = contents["files"]
        strange = [name for name in files if not NAME.fullmatch(name)]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its list of contents is damaged") from error
    if contents.get("format") != FORMAT:
        raise InputError(
            f"{path} has format {contents.get('format')}, this version reads {FORMAT}: update genius-bench"
        )
    if strange:
        raise InputError(f"{path}: {strange[0]!r} is no place for a file of an archive")
    return files


def _write(source: Any, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        while block := source.read(2**20):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _take_in(store: Store, staging: Path, path: Path) -> Imported:
    artifacts = sorted(folder for folder in (staging / "artifacts").glob("*/*") if folder.is_dir())
    for folder in artifacts:
        _check_identity(folder, path)
    runs = [_read_run(file, path) for file in sorted((staging / "runs").glob("*.json"))]
    for run in runs:
        _check_references(run, store, staging, path)
    unchecked = _check_fingerprints(runs, staging, path)
    new_runs = [run for run in runs if not _is_known(run, store)]
    new = [folder for folder in artifacts if not _is_here(folder, store)]
    for folder in new:
        place = store.directory(folder.parent.name, folder.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
    for run in new_runs:
        write_run(store.home, _placed(run, store), finished_at=run.finished_at)
        write_cards(store.home, run)
    known = len(artifacts) - len(new) + len(runs) - len(new_runs)
    return Imported([run.id for run in runs], len(new), known, unchecked)


def _check_identity(folder: Path, path: Path) -> None:
    manifest = read_json(folder / "manifest.json")
    try:
        identity = Identity(
            kind=manifest["kind"],
            version=manifest["stage_version"],
            parameters=manifest["parameters"],
            inputs=manifest["inputs"],
        )
    except KeyError as error:
        raise InputError(f"{path}: the manifest of {folder.name} has no {error}") from error
    if identity.key != folder.name or identity.kind != folder.parent.name:
        raise InputError(
            f"{path}: {folder.parent.name} {folder.name[:12]} is not what its manifest says: its name is the hash of "
            "other settings"
        )


def _read_run(file: Path, path: Path) -> Run:
    run = read_run(file)
    if run.id != file.stem:
        raise InputError(f"{path}: {file.name} holds a run with the id {run.id!r}")
    places = [one["folder"] for one in run.on_the_way] + [one["key"] for one in run.checkpoints]
    if strange := [place for place in places if not PLACE.fullmatch(place)]:
        raise InputError(f"{path}: {strange[0]!r} is no place for a checkpoint")
    return run


def _check_references(run: Run, store: Store, staging: Path, path: Path) -> None:
    """Scores must be there; what they come from may have been gone, or left behind, when the archive was made."""
    for key, kind in keys_of(run).items():
        there = (staging / "artifacts" / kind / key).is_dir() or store.find(kind, key)
        if kind == "scores" and not there:
            raise InputError(f"{path}: run {run.id} names {kind} {key[:12]}, which are not in it")


def _check_fingerprints(runs: Sequence[Run], staging: Path, path: Path) -> list[str]:
    unchecked: dict[str, str] = {}
    for run in runs:
        for record in [*run.checkpoints, *run.on_the_way]:
            folder = _model_folder(staging / "artifacts" / "checkpoint" / record["key"], record)
            if not folder.is_dir():
                continue
            try:
                found = fingerprint(folder)
            except GeniusBenchError as error:  # an adapter whose base is not here
                unchecked[record["key"]] = f"checkpoint {record['key'][:12]} of {run.id}: {first_line(error)}"
                continue
            if found != record["fingerprint"]:
                raise InputError(
                    f"{path}: a checkpoint of {run.id} has the fingerprint {found[:12]}, but scores of "
                    f"{record['fingerprint'][:12]}"
                )
    return list(unchecked.values())


def _is_here(folder: Path, store: Store) -> bool:
    """Whether the home has this artifact. Raises `InputError` where it has another one of the same name."""
    found = store.find(folder.parent.name, folder.name)
    if found is None:
        return False
    if _contents(folder) != _contents(found.path):
        raise InputError(
            f"{store.home} has {found.kind} {found.key[:12]} with another content (made on another machine, with "
            "other rounding?): import into an empty --home to compare the two"
        )
    return True


def _contents(folder: Path) -> dict[str, str]:
    found = {}
    for file in folder.rglob("*"):
        place = file.relative_to(folder)
        if file.is_file() and place.name not in APART and place.parts[0] not in APART_FOLDERS:
            with open(file, "rb") as content:
                found[place.as_posix()] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def _is_known(run: Run, store: Store) -> bool:
    """Whether the home has this run. Raises `InputError` where it has another one of the same id."""
    file = store.home / "runs" / f"{run.id}.json"
    if not file.exists():
        return False
    here = read_run(file)
    if _essence(here) != _essence(run):
        raise InputError(
            f"{store.home} has another run {run.id}: import into an empty --home to compare the two"
        )
    return True


def _essence(run: Run) -> dict[str, Any]:
    """A run without when and where; its evaluations in any order."""
    values = asdict(run)
    del values["finished_at"]
    for kind in ("checkpoints", "on_the_way"):
        values[kind] = [
            {name: value for name, value in one.items() if name != "path"} for one in values[kind]
        ]
    values["evaluations"] = sorted(json.dumps(one, sort_keys=True) for one in values["evaluations"])
    return values


def _placed(run: Run, store: Store) -> Run:
    """With the paths of this home; a checkpoint that was left behind has none."""
    values = dict(vars(run))
    for kind in ("checkpoints", "on_the_way"):
        values[kind] = [
            one | {"path": str(_model_folder(store.directory("checkpoint", one["key"]), one))}
            for one in values[kind]
        ]
    return Run(**values)


def _model_folder(checkpoint: Path, record: dict[str, str]) -> Path:
    return checkpoint / record.get("folder", "model")
