"""Whether what is handed on makes sense: identities, records, scores and fingerprints.

Nothing else is looked at: no network, and no other model of this machine.
"""

from collections.abc import Sequence
from pathlib import Path

from genius_bench.artifacts import MANIFEST, Artifact, Store
from genius_bench.engines.loading import fingerprint_over, is_adapter
from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.evaluation.generations import ITEMS_FILE
from genius_bench.integrity import Listed, unsealed
from genius_bench.reporting.scored import Scored
from genius_bench.runs import Run, read_run
from genius_bench.sharing.cards import CARD
from genius_bench.sharing.records import check_run
from genius_bench.sharing.references import closure, keys_of, model_folder
from genius_bench.storage import read_json

ANSWER = {"item_id": str, "repeat": int, "text": str, "finish_reason": str, "error": str, "token_ids": list}
"""What a row of answers holds."""


def check_artifact(artifact: Artifact, files: Listed) -> None:
    """`files`: what the archive's list says of its files, which was checked. Raises `InputError`."""
    listed = artifact.manifest.get("files")
    there = {name: about for name, about in files.items() if name != MANIFEST and not name.endswith(CARD)}
    if listed is not None and listed != there:
        name = min(name for name in {*listed, *there} if listed.get(name) != there.get(name))
        raise InputError(f"{artifact.kind} {artifact.key[:12]}: {name} is not as its manifest says")
    if artifact.kind == "scores":
        _check_scores(artifact)
    else:
        artifact.check(contents=False)
    if artifact.kind == "generations":
        _check_answers(artifact)


def _check_scores(artifact: Artifact) -> None:
    """Reads them as a board does."""
    task = str(artifact.manifest["parameters"]["task"])
    read = Scored(artifact.key[:12], "", "", None, 0, {task: artifact})
    try:
        metric = read.headline(task)
        if metric is not None:
            read.items(task, metric)
    except GeniusBenchError:
        raise
    except Exception as error:  # whatever rows of other types make a board raise
        raise InputError(
            f"scores {artifact.key[:12]} cannot be read ({type(error).__name__}: {first_line(error)})"
        ) from error


def _check_answers(artifact: Artifact) -> None:
    """That `regrade` can read them, and knows what each is an answer to."""
    items = {item["id"] for item in artifact.json(ITEMS_FILE)["items"]}
    for row in artifact.rows(*ANSWER):
        wrong = next((name for name, of in ANSWER.items() if type(row.get(name)) is not of), None)
        if wrong or row["item_id"] not in items:
            raise InputError(f"generations {artifact.key[:12]} hold an answer without {wrong or 'an item'}")


def check_reached(artifacts: Sequence[Artifact], runs: Sequence[Run], staged: Store) -> None:
    """Nobody would find, or clear away, what no run leads to."""
    reached, _ = closure(runs, staged)
    for artifact in artifacts:
        if artifact.key not in reached or reached[artifact.key].kind != artifact.kind:
            raise InputError(f"no run in it leads to {artifact.kind} {artifact.key[:12]}")


def checked_run(file: Path) -> Run:
    """The run in a file. Raises `InputError` where a key, type or reference in it is not as it must be."""
    check_run(unsealed(read_json(file), file, "it cannot be imported"))
    return read_run(file)


def check_references(run: Run, store: Store, staged: Store) -> None:
    """Scores must be there; what they come from may have been gone, or left behind, when the archive was made."""
    for key, kind in keys_of(run).items():
        if kind == "scores" and not (staged.find(kind, key) or store.find(kind, key)):
            raise InputError(f"run {run.id} names {kind} {key[:12]}, which are not in it")
    for evaluation in run.evaluations:
        for task, key in evaluation.scores.items():
            scores = staged.find("scores", key) or store.named("scores", key)
            if scores.manifest["parameters"].get("task") != task:
                raise InputError(
                    f"run {run.id} names scores {key[:12]} as those of {task}, and they are of another"
                )


def check_fingerprints(runs: Sequence[Run], store: Store) -> None:
    """Every checkpoint that is there is the one that was scored; an adapter, on the base that its run names."""
    for run in runs:
        for record in [*run.checkpoints, *run.on_the_way]:
            folder = model_folder(store.directory("checkpoint", record["key"]), record)
            if not folder.is_dir():
                continue
            found = fingerprint_over(run.base_fingerprint if is_adapter(folder) else "", folder)
            if found != record["fingerprint"]:
                raise InputError(
                    f"a checkpoint of {run.id} has the fingerprint {found[:12]}, but scores of "
                    f"{record['fingerprint'][:12]}"
                )
