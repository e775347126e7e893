"""A page a run: recipe, lineage from its scores back to its queries, environment, cost, training curves."""

from dataclasses import asdict
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.integrity import digest_of
from genius_bench.reporting.cost import cost_of
from genius_bench.runs import Evaluation, Run
from genius_bench.shown_recipe import differing
from genius_bench.site.curves import Curves
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems
from genius_bench.site.queries import Collected
from genius_bench.site.rollouts import Rollouts


def page_of(run: Run) -> str:
    """The name of a run's data file: ids are names that users gave, and no file names."""
    return f"runs/{digest_of(run.id)[:SHORT]}"


def write_run(
    folder: Folder,
    store: Store,
    run: Run,
    curves: Curves,
    collected: dict[str, Collected],
    drawn: dict[str, Rollouts],
    problems: Problems,
) -> None:
    page: dict[str, Any] = {
        "id": run.id,
        "recipe": run.recipe,
        "differs": None,
        "base": run.base,
        "base_fingerprint": run.base_fingerprint,
        "corpus": run.corpus,
        "finished_at": run.finished_at,
        "iterations": [],
        "evaluations": [],
        "curves": curves,
        "cost": None,
    }
    with problems.skipping(f"run {run.id}"):
        page["differs"] = list(differing(run.recipe)) if run.recipe else None
        cost = cost_of(store, run, len(run.checkpoints)) if run.checkpoints else None
        page["cost"] = asdict(cost) if cost else None
        page["iterations"] = [_iteration(store, one, collected, drawn, problems) for one in run.checkpoints]
        page["evaluations"] = [_evaluation(store, one, problems) for one in run.on_boards]
    folder.write_data(page_of(run), page)


def _iteration(
    store: Store,
    checkpoint: dict[str, str],
    collected: dict[str, Collected],
    drawn: dict[str, Rollouts],
    problems: Problems,
) -> dict[str, Any]:
    training_set = store.find("training-set", checkpoint.get("training_set", "-"))
    key = training_set.manifest["inputs"].get("collection") if training_set else None
    queries = collected.get(checkpoint.get("training_set", "-"))
    rollouts = drawn.get(checkpoint["key"])
    return {
        "iteration": checkpoint["iteration"],
        "fingerprint": checkpoint["fingerprint"],
        "checkpoint": _about(store, "checkpoint", checkpoint["key"], problems),
        "training_set": _about(store, "training-set", checkpoint["training_set"], problems)
        | _left_out(training_set, problems)
        if "training_set" in checkpoint
        else None,
        "collection": _about(store, "collection", key, problems) if key else None,
        "queries": asdict(queries) if queries else None,
        "rollouts": asdict(rollouts) if rollouts else None,
    }


def _left_out(training_set: Artifact | None, problems: Problems) -> dict[str, Any]:
    """Rows kept, and why others were not."""
    if training_set is None:
        return {}
    with problems.skipping(f"training set {training_set.key[:SHORT]}"):
        return {"summary": training_set.json("summary.json")}
    return {}


def _evaluation(store: Store, evaluation: Evaluation, problems: Problems) -> dict[str, Any]:
    tasks = {}
    for task, key in evaluation.scores.items():
        scores = _about(store, "scores", key, problems)
        answers = (scores.get("inputs") or {}).get("generations")
        tasks[task] = {
            "scores": scores,
            "answers": _about(store, "generations", answers, problems) if answers else None,
        }
    return {
        "model": evaluation.model,
        "fingerprint": evaluation.fingerprint,
        "group": digest_of(evaluation.settings)[:SHORT],
        "settings": evaluation.settings,
        "tasks": tasks,
    }


def _about(store: Store, kind: str, key: str, problems: Problems) -> dict[str, Any]:
    """An artifact's manifest; its key alone when it is gone."""
    artifact = store.find(kind, key)
    if artifact is not None:
        with problems.skipping(f"{kind} {key[:SHORT]}"):
            return {name: value for name, value in artifact.manifest.items() if name != "files"}
    return {"kind": kind, "key": key, "gone": True}
