"""Runs as people and programs list them: what each is, its state, its scores, what it took and what it holds."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.evaluation.scores import read_scores
from genius_bench.reporting.scored import label_of, labels_of
from genius_bench.run_places import INTERRUPTED, RUNNING, log_of, short_path, state_of, unfinished
from genius_bench.runs import Run, read_runs
from genius_bench.sharing.references import KINDS, closure

REFERRED = {"scores", "checkpoint", "queries", "tests", *KINDS.values()}
"""Kinds of artifacts that runs lead to; what others hold is no run's."""


def listed(home: Path) -> list[dict[str, Any]]:
    """Every run of a home, oldest first, then those that are not finished."""
    store, runs = Store(home), read_runs(home)
    labels = labels_of(runs)
    rows = [summary(store, run, labels.get(run.id)) for run in runs]
    blank = dict.fromkeys(rows[0] if rows else ())
    return rows + [{**blank, "id": name, "state": state_of(home, name)} for name in unfinished(home, runs)]


def summary(store: Store, run: Run, label: str | None = None) -> dict[str, Any]:
    """`seconds` are those that its artifacts took when they were made, `bytes` what these hold, shared ones too."""
    found = closure([run], store)[0].values()
    recipe = run.recipe or {}
    return {
        "id": run.id,
        "what": (label or label_of(run, len(run.checkpoints))) if recipe else f"evaluation of {_model(run)}",
        "state": state_of(store.home, run),
        "finished_at": run.finished_at,
        "seconds": round(sum(one.manifest["counters"].get("wall_seconds", 0.0) for one in found), 1),
        "bytes": sum(map(bytes_of, found)),
    }


def record(home: Path, run: Run) -> dict[str, Any]:
    """What a command that has made or found a run says of it to programs. Scores are shares, like all of our JSON."""
    return {
        "run": run.id,
        "model": run.base or _model(run),
        "checkpoints": [
            {
                "iteration": int(one["iteration"]),
                "path": str(short_path(home, run, int(one["iteration"]))),
                "artifact": one["path"],
                "fingerprint": one["fingerprint"],
            }
            for one in run.checkpoints
        ],
        "log": str(log_of(home, run.id)),
        "scores": list(scores(Store(home), run)),
    }


def scores(store: Store, run: Run) -> Iterable[dict[str, Any]]:
    """One row a model, task and metric of the run's evaluations, controls apart; values are shares (0–1)."""
    for evaluation in run.on_boards:
        for task, key in evaluation.scores.items():
            for one in read_scores(store.named("scores", key)):
                yield {
                    "run": run.id,
                    "model": evaluation.model,
                    "fingerprint": evaluation.fingerprint,
                    "task": task,
                    "metric": one.metric,
                    "value": one.value / 100,
                    "low": one.low / 100,
                    "high": one.high / 100,
                    "n": one.n,
                    "protocol": evaluation.settings["protocol"],
                    "temperature": evaluation.settings["temperature"],
                    "limit": evaluation.settings["limit"],
                }


def garbage(home: Path) -> tuple[list[Path], int]:
    """Artifacts that no run leads to, and their bytes. What is being made or was left unfinished is none."""
    store = Store(home)
    kept = closure(read_runs(home), store)[0]
    loose = [one for kind in sorted(REFERRED) for one in store.all(kind) if one.key not in kept]
    return [one.path for one in loose], sum(map(bytes_of, loose))


def not_finished(home: Path) -> dict[str, list[str]]:
    """State → ids of runs that may still need what no record leads to yet."""
    runs = read_runs(home)
    states = {name: state_of(home, name) for name in unfinished(home, runs)}
    states |= {run.id: state_of(home, run) for run in runs}
    return {
        state: ids
        for state in (RUNNING, INTERRUPTED)
        if (ids := [name for name, its in states.items() if its == state])
    }


def bytes_of(artifact: Artifact) -> int:
    """By its manifest where this lists files, else by the folder."""
    if (files := artifact.manifest.get("files")) is not None:
        return sum(int(one["bytes"]) for one in files.values())
    return sum(path.stat().st_size for path in artifact.path.rglob("*") if path.is_file())


def _model(run: Run) -> str:
    return run.evaluations[0].model if run.evaluations else "–"
