"""Which artifacts a run names, which ones these name in turn, and what of both leaves a home."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genius_bench.artifacts import MANIFEST, Artifact, Store
from genius_bench.corpora.storing import queries_of
from genius_bench.evaluation.generations import ITEMS_FILE
from genius_bench.runs import Run
from genius_bench.sharing.cards import CARD

KINDS = {"generations": "generations", "training_set": "training-set", "collection": "collection"}
"""Role of an input → the kind of artifact that its key is of. Inputs in other roles are fingerprints."""


def keys_of(run: Run) -> dict[str, str]:
    """Key → kind of every artifact that a run names."""
    keys = {key: "scores" for one in run.evaluations for key in one.scores.values()}
    for checkpoint in run.checkpoints:
        keys[checkpoint["key"]] = "checkpoint"
        if "training_set" in checkpoint:  # an online method has none
            keys[checkpoint["training_set"]] = "training-set"
    if fingerprint := run.corpus.get("fingerprint"):
        keys[queries_of(fingerprint).key] = "queries"
    return keys


def made_from(artifact: Artifact) -> dict[str, str]:
    """Key → kind of every artifact that one was made from, or cannot be read without."""
    inputs = artifact.manifest["inputs"]
    keys = {inputs[role]: kind for role, kind in KINDS.items() if role in inputs}
    if artifact.kind == "generations" and artifact.has(ITEMS_FILE):
        described = artifact.json(ITEMS_FILE)
        keys |= {described["tests"]: "tests"} if "tests" in described else {}
    return keys


def closure(runs: Sequence[Run], store: Store) -> tuple[dict[str, Artifact], dict[str, str]]:
    """Key → artifact of everything that the runs name and what that was made from; key → kind of what is gone."""
    waiting = {key: kind for run in runs for key, kind in keys_of(run).items()}
    gone: dict[str, str] = {}
    found: dict[str, Artifact] = {}
    while waiting:
        key, kind = waiting.popitem()
        artifact = store.find(kind, key)
        if artifact is not None:
            found[key] = artifact
            waiting |= {one: of for one, of in made_from(artifact).items() if one not in found}
        else:
            gone[key] = kind
    return found, gone


def model_folder(checkpoint: Path, record: dict[str, str]) -> Path:
    """Where the model of a run's checkpoint, or of one on the way, lies in its artifact."""
    return checkpoint / record.get("folder", "model")


def without_places(run: Run) -> dict[str, Any]:
    """A run's values but for where its checkpoints lie, which differs from home to home."""
    values = asdict(run)
    for kind in ("checkpoints", "on_the_way"):
        values[kind] = [
            {name: value for name, value in one.items() if name != "path"} for one in values[kind]
        ]
    return values


def files_of(artifact: Artifact) -> list[str]:
    """Names of an artifact's files, its manifest and card among them; of one from before manifests listed them, all."""
    there = (file.relative_to(artifact.path) for file in sorted(artifact.path.rglob("*")) if file.is_file())
    return [
        place.as_posix()
        for place in there
        if place.name in (MANIFEST, CARD) or artifact.has(place.as_posix())
    ]
