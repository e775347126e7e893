"""What a home holds for its site: runs, and the models scored under each group of settings."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.evaluation.scores import read_scores
from genius_bench.integrity import digest_of
from genius_bench.reporting.groups import rank
from genius_bench.reporting.scored import Scored, scored_models
from genius_bench.runs import Evaluation, Run, read_run
from genius_bench.site.problems import Problems

SHORT = 12
"""Characters of a key or fingerprint that name it on the site."""


@dataclass
class Group:
    """Everything that was scored under one group of settings: numbers of two groups never meet."""

    id: str
    settings: dict[str, Any]
    tasks: list[str]
    models: list[Scored]
    """Bases first; each with the tasks that it was scored on."""


@dataclass
class Holdings:
    store: Store
    runs: list[Run]
    groups: list[Group] = field(default_factory=list)
    """In the order of boards on the terminal (`reporting.groups`)."""

    def evaluations(self) -> Iterator[Evaluation]:
        return (evaluation for run in self.runs for evaluation in run.on_boards)


def read_holdings(home: Path, problems: Problems) -> Holdings:
    """Reads what is whole; the rest becomes a line of `problems`."""
    store = Store(home)
    runs = [_whole(store, run, problems) for run in _runs(home, problems)]
    holdings = Holdings(store, runs)
    for settings in _newest_first(holdings.evaluations()):
        models = _scored(holdings, settings, problems)
        tasks = dict.fromkeys(
            task for e in holdings.evaluations() if e.settings == settings for task in e.scores
        )
        held = [task for task in tasks if any(task in one.artifacts for one in models)]
        if held:
            holdings.groups.append(Group(digest_of(settings)[:SHORT], settings, held, models))
    holdings.groups.sort(
        key=lambda group: rank(
            group.settings, len(group.models), trained=any(one.base_fingerprint for one in group.models)
        )
    )
    return holdings


def _runs(home: Path, problems: Problems) -> list[Run]:
    found = []
    for path in sorted((home / "runs").glob("*.json")):
        with problems.skipping(f"run {path.stem}"):
            run = read_run(path)
            _check(run)
            found.append(run)
    return sorted(found, key=lambda run: (run.finished_at, run.id))


def _check(run: Run) -> None:
    """Raises where a run lacks what every page of it names, or holds text that is none."""
    digest_of(asdict(run))
    if run.recipe is not None:
        _ = run.recipe["method"], run.recipe["variant"], run.recipe["seed"]
    for checkpoint in run.checkpoints:
        _ = (
            int(checkpoint["iteration"]),
            checkpoint["fingerprint"],
            checkpoint["key"],
        )
    for evaluation in run.evaluations:
        _ = evaluation.settings.items(), evaluation.scores.items()


def _whole(store: Store, run: Run, problems: Problems) -> Run:
    """The run without evaluations that cannot be read, and without checkpoints whose origin cannot be."""
    evaluations = []
    for one in run.evaluations:
        scores = {
            task: key
            for task, key in one.scores.items()
            if not _damaged(store.named("scores", key), problems)
        }
        evaluations.append(replace(one, scores=scores))
    traced = not any(_origin_damaged(store, checkpoint, problems) for checkpoint in run.checkpoints)
    return replace(run, evaluations=evaluations, checkpoints=run.checkpoints if traced else [])


def _origin_damaged(store: Store, checkpoint: dict[str, str], problems: Problems) -> bool:
    key = checkpoint.get("training_set", "-")
    training_set, trained = store.find("training-set", key), store.find("checkpoint", checkpoint["key"])
    if any(_damaged(one, problems) for one in (training_set, trained) if one):
        return True
    collection = (
        store.find("collection", training_set.manifest["inputs"].get("collection", "-"))
        if training_set
        else None
    )
    return collection is not None and _damaged(collection, problems)


def _damaged(artifact: Artifact, problems: Problems) -> bool:
    """Whether an artifact says nothing readable about itself."""
    with problems.skipping(f"{artifact.kind} {artifact.key[:SHORT]}"):
        missing = {"inputs", "counters", "parameters"} - artifact.manifest.keys()
        if not missing:
            return False
        problems.add(
            f"{artifact.kind} {artifact.key[:SHORT]}: its manifest has no {', '.join(sorted(missing))}"
        )
    return True


def _newest_first(evaluations: Iterator[Evaluation]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for evaluation in reversed(list(evaluations)):
        found.setdefault(digest_of(evaluation.settings), evaluation.settings)
    return list(found.values())


def _scored(holdings: Holdings, settings: dict[str, Any], problems: Problems) -> list[Scored]:
    """Every model of these settings with all tasks whose graded answers can be read."""
    merged: dict[str, Scored] = {}
    evaluations = [e for e in holdings.evaluations() if e.settings == settings]
    for tasks in dict.fromkeys(tuple(e.scores) for e in evaluations if e.scores):
        with problems.skipping(f"models scored on {', '.join(tasks)}"):
            for one in scored_models(holdings.store, holdings.runs, settings, tasks):
                merged.setdefault(one.fingerprint, one).artifacts.update(one.artifacts)
    for one in merged.values():
        one.artifacts = {task: a for task, a in one.artifacts.items() if _graded(one, task, a, problems)}
    whole = [one for one in merged.values() if one.artifacts]
    seen = Counter(one.label for one in whole)
    for one in whole:  # models that were scored on different tasks may be called the same
        if seen[one.label] > 1:
            one.label = f"{one.label} [{one.fingerprint[:4]}]"
    return sorted(whole, key=lambda one: (bool(one.base_fingerprint), one.label))


def _graded(model: Scored, task: str, artifact: Artifact, problems: Problems) -> bool:
    """Whether a task's numbers and verdicts can be read: a board must not fall over one of them."""
    with problems.skipping(f"scores {artifact.key[:SHORT]} ({model.label}, {task})"):
        model.verdicts(task)
        read_scores(artifact)
        return True
    return False
