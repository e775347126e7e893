"""An archive from elsewhere into a home: nothing of it counts until all of it was checked.

Checked are: that it holds just the files it lists, byte for byte; that every artifact's name is the hash of what its
manifest says determined it; that runs and manifests hold what a board reads; that every checkpoint has the fingerprint
under which it was scored; and that nothing here has the same name and another content. Files are written by us, as
plain files, into a folder of their own first, and one import at a time moves them into the home.
"""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.artifacts import MANIFEST, Artifact, Store
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.integrity import Listed, sha256_of
from genius_bench.runs import Run, changing, read_run, write_held
from genius_bench.sharing.cards import CARD, write_cards
from genius_bench.sharing.checking import (
    check_artifact,
    check_fingerprints,
    check_reached,
    check_references,
    checked_run,
)
from genius_bench.sharing.records import check_manifest
from genius_bench.sharing.references import files_of, model_folder, without_places
from genius_bench.sharing.unpacking import unpack
from genius_bench.storage import locked, move

APART = (MANIFEST, CARD)
"""Files that differ between two homes although the result is the same: when and where it was made, and its card."""
APART_FOLDERS = ("tensorboard",)


@dataclass(frozen=True)
class Imported:
    runs: list[str]
    artifacts: int
    known: int
    """Runs and artifacts that were here already, equal."""


def import_archive(home: Path, path: Path) -> Imported:
    """Raises `InputError` that names the first thing that is wrong; the home is then as it was."""
    store = Store(home)
    staging = home / "imports"
    with locked(home, "import", f"another import into {home} is going on; waiting for it"):
        try:
            shutil.rmtree(staging, ignore_errors=True)  # of one that was killed
            staging.mkdir()
            files = unpack(path, staging / "archive")
            return _take_in(store, Store(staging / "archive"), files, path)
        except OSError as error:
            raise InputError(f"cannot import {path}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _take_in(store: Store, staged: Store, files: Listed, path: Path) -> Imported:
    artifacts = _staged_artifacts(staged)
    for artifact in artifacts:
        _telling(path, check_manifest, artifact)
    runs = [
        _telling(path, checked_run, file, where=f"{file.name}: ")
        for file in sorted((staged.home / "runs").glob("*.json"))
    ]
    for run in runs:
        _telling(path, check_references, run, store, staged)
    _telling(path, check_fingerprints, runs, staged)
    for artifact in artifacts:
        _telling(path, check_artifact, artifact, _files_of(artifact, files))
    _telling(path, check_reached, artifacts, runs, staged)
    known = sum(_is_known(run, store) for run in runs)
    new = [artifact for artifact in artifacts if not _is_here(artifact, store)]
    moved = _move_in(store, new, runs)
    return Imported([run.id for run in runs], moved, known + len(artifacts) - moved)


def _staged_artifacts(staged: Store) -> list[Artifact]:
    folders = sorted(folder for folder in (staged.home / "artifacts").glob("*/*") if folder.is_dir())
    return [Artifact(folder.parent.name, folder.name, folder) for folder in folders]


def _files_of(artifact: Artifact, files: Listed) -> Listed:
    beginning = f"artifacts/{artifact.kind}/{artifact.key}/"
    return {
        name.removeprefix(beginning): about for name, about in files.items() if name.startswith(beginning)
    }


def _telling(path: Path, check: Callable[..., Any], *what: Any, where: str = "") -> Any:
    """What `check` returns, or says against the archive."""
    try:
        return check(*what)
    except GeniusBenchError as error:
        raise InputError(f"{path}: {where}{error}") from error


def _move_in(store: Store, artifacts: list[Artifact], runs: list[Run]) -> int:
    """All of them, or where something goes wrong none; how many artifacts were not made here meanwhile."""
    with ExitStack() as undo:
        moved = sum([_move_artifact(store, artifact, undo) for artifact in artifacts])
        for run in runs:
            _move_run(store, run, undo)
        for run in runs:  # those that were known, too: a kill may have come before their cards
            write_cards(store.home, run)
        undo.pop_all()
    return moved


def _move_artifact(store: Store, artifact: Artifact, undo: ExitStack) -> bool:
    """One lock at a time: whoever makes an artifact may hold its lock while waiting for that of another."""
    place = store.directory(artifact.kind, artifact.key)
    with store.making(artifact.kind, artifact.key):
        if _is_here(artifact, store):
            return False
        if place.exists():  # what somebody took the manifest from is no artifact
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        move(artifact.path, place)
        undo.callback(_take_back, store, artifact, place.stat().st_ino)
    return True


def _take_back(store: Store, artifact: Artifact, moved: int) -> None:
    """Unless another folder lies there by now."""
    place = store.directory(artifact.kind, artifact.key)
    with store.making(artifact.kind, artifact.key):
        if place.exists() and place.stat().st_ino == moved:
            shutil.rmtree(place, ignore_errors=True)


def _move_run(store: Store, run: Run, undo: ExitStack) -> None:
    with changing(store.home, run.id) as path:
        if not _is_known(run, store):
            undo.callback(_take_run_back, store, run)
            write_held(path, _placed(run, store), run.finished_at)


def _take_run_back(store: Store, run: Run) -> None:
    """Unless somebody has added to it meanwhile."""
    with changing(store.home, run.id) as path:
        if path.exists() and _essence(read_run(path)) == _essence(run):
            path.unlink()


def _is_here(artifact: Artifact, store: Store) -> bool:
    """Whether the home has this artifact. Raises `InputError` where it has another one of the same name."""
    found = store.find(artifact.kind, artifact.key)
    if found is None:
        return False
    if _contents(artifact) != _contents(found):
        raise InputError(
            f"{store.home} has {found.kind} {found.key[:12]} with another content (made on another machine, with "
            "other rounding?): import into an empty --home to compare the two"
        )
    return True


def _contents(artifact: Artifact) -> dict[str, str]:
    return {
        name: sha256_of(artifact.path / name)
        for name in files_of(artifact)
        if Path(name).name not in APART and Path(name).parts[0] not in APART_FOLDERS
    }


def _is_known(run: Run, store: Store) -> bool:
    """Whether the home has this run. Raises `InputError` where it has another one of the same id."""
    file = store.home / "runs" / f"{run.id}.json"
    if not file.exists():
        return False
    try:
        same = _essence(read_run(file)) == _essence(run)
    except InputError as error:
        raise InputError(f"{store.home} has another run {run.id}, which cannot be read: {error}") from error
    if not same:
        raise InputError(
            f"{store.home} has another run {run.id}: import into an empty --home to compare the two"
        )
    return True


def _essence(run: Run) -> dict[str, Any]:
    """A run without when and where; its evaluations in any order."""
    values = without_places(run)
    del values["finished_at"]
    values["evaluations"] = sorted(json.dumps(one, sort_keys=True) for one in values["evaluations"])
    return values


def _placed(run: Run, store: Store) -> Run:
    """With the paths of this home; a checkpoint that was left behind has none."""
    values = dict(vars(run))
    for kind in ("checkpoints", "on_the_way"):
        values[kind] = [
            one | {"path": str(model_folder(store.directory("checkpoint", one["key"]), one))}
            for one in values[kind]
        ]
    return Run(**values)
