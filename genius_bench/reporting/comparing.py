"""Two models on the same questions: paired tests task by task, and the answers that changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Store
from genius_bench.errors import InputError, nearest
from genius_bench.evaluation.metrics import JUDGED
from genius_bench.reporting.scored import Scored, scored_models
from genius_bench.runs import Evaluation, Run, read_runs
from genius_bench.statistics import (
    Difference,
    detectable_difference,
    holm,
    paired_difference,
    suite_difference,
)


@dataclass(frozen=True)
class Change:
    """An item that one model gets right more often than the other; `a` and `b` are one answer of each."""

    item: str
    question: str
    gold: str
    a: dict[str, Any]
    b: dict[str, Any]
    gain: float


@dataclass(frozen=True)
class TaskComparison:
    """Shares between 0 and 1. `difference` is b − a, its p-value Holm-corrected over the tasks."""

    task: str
    metric: str
    a: float
    b: float
    difference: Difference
    detectable: float
    changes: list[Change]
    """Largest changes first."""


@dataclass(frozen=True)
class Comparison:
    a: str
    b: str
    settings: dict[str, Any]
    tasks: list[TaskComparison]
    average: Difference
    not_comparable: dict[str, str]
    """Task → why."""
    notes: list[str]
    """What a reader must know of the numbers."""
    same_model: bool


def compare(home: Path, a: str, b: str, tasks: Sequence[str] | None = None) -> Comparison:
    """Compares two models that were scored under the same settings (the newest that both have).

    A model is named by its label on the board, a run's id, a fingerprint's beginning, a path or a hub id. Raises
    `InputError` when a name is unknown or the two share no settings.
    """
    runs, store = read_runs(home), Store(home)
    evaluations = [evaluation for run in runs for evaluation in run.on_boards]
    if not evaluations:
        raise InputError(f"nothing scored yet in {home}: run 'genius-bench train' or 'genius-bench eval'")
    known: dict[str, list[str]] = {}
    for settings in _newest_first(evaluations):
        shared = _tasks_of(evaluations, settings)
        found = [_by_name(store, runs, settings, shared, name, known) for name in (a, b)]
        if found[0] and found[1]:
            common = [task for task in shared if task in found[0].artifacts and task in found[1].artifacts]
            wanted = [task for task in common if tasks is None or task in tasks]
            if wanted:
                return _compare(found[0], found[1], settings, wanted)
    for name in (a, b):
        if not any(_names(name, alias) for aliases in known.values() for alias in aliases):
            raise InputError(f"no model '{name}' on any board of {home}: {nearest(name, sorted(known))}")
    raise InputError(f"'{a}' and '{b}' were never scored on the same tasks under the same settings")


def _compare(a: Scored, b: Scored, settings: dict[str, Any], tasks: list[str]) -> Comparison:
    pairs, skipped = {}, {}
    for task in tasks:
        metric = b.headline(task)
        if metric is None or a.headline(task) != metric:
            skipped[task] = "not graded"
        elif a.items(task, metric).keys() != b.items(task, metric).keys():
            skipped[task] = "not the same questions"
        else:
            pairs[task] = (metric, a.items(task, metric), b.items(task, metric))
    if not pairs:
        raise InputError(f"'{a.label}' and '{b.label}' share no graded task: {skipped}")
    differences = {task: paired_difference(mine, base) for task, (_, base, mine) in pairs.items()}
    corrected = dict(zip(pairs, holm([one.p_value for one in differences.values()]), strict=True))
    compared = [
        TaskComparison(
            task=task,
            metric=metric,
            a=sum(base.values()) / len(base),
            b=sum(mine.values()) / len(mine),
            difference=differences[task]._replace(p_value=corrected[task]),
            detectable=detectable_difference([[mine]], [[base]]),
            changes=_changes(a, b, task, metric),
        )
        for task, (metric, base, mine) in pairs.items()
    ]
    sides = ([mine for _, _, mine in pairs.values()], [base for _, base, _ in pairs.values()])
    average = suite_difference([sides[0]], [sides[1]])
    notes = [f"{task}, {one.label}: {note}" for one in (a, b) for task in pairs for note in one.notes(task)]
    same = a.fingerprint == b.fingerprint
    return Comparison(a.label, b.label, settings, compared, average, skipped, notes, same)


def _changes(a: Scored, b: Scored, task: str, metric: str) -> list[Change]:
    """Items whose value differs, each with an answer of a and one of b that show the difference."""
    before, after = a.items(task, metric), b.items(task, metric)
    gaps = {name: after[name] - before[name] for name in before if after[name] != before[name]}
    shown = {
        name: (_answer(a, task, name, metric, gap < 0), _answer(b, task, name, metric, gap > 0))
        for name, gap in gaps.items()
    }
    changes = [
        Change(name, old["question"], old["gold"], old, new, gaps[name]) for name, (old, new) in shown.items()
    ]
    return sorted(changes, key=lambda change: (-abs(change.gain), change.item))


def _answer(model: Scored, task: str, item: str, metric: str, right: bool) -> dict[str, Any]:
    """The answer that stands for a model's value on an item: a right one where it has gained, else a wrong one."""
    answers = [row for row in model.rows(task)[item] if _counts(row, metric)]
    column = "released_correct" if metric.startswith("released") else "correct"
    return (max if right else min)(answers, key=lambda row: float(row[column]))


def _counts(row: dict[str, Any], metric: str) -> bool:
    """Whether an answer is among those that a metric is made of."""
    judged = JUDGED.fullmatch(metric)
    greedy = metric.removeprefix("released_") == "greedy" or (judged is not None and not judged["sampled"])
    return bool(greedy == (row["repeat"] == 0))


def _newest_first(evaluations: list[Evaluation]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for evaluation in reversed(evaluations):
        if evaluation.settings not in found:
            found.append(evaluation.settings)
    return found


def _tasks_of(evaluations: list[Evaluation], settings: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(task for one in evaluations if one.settings == settings for task in one.scores))


def _by_name(
    store: Store,
    runs: list[Run],
    settings: dict[str, Any],
    tasks: list[str],
    name: str,
    known: dict[str, list[str]],
) -> Scored | None:
    """The model called `name` with the tasks that it has been scored on; `known` collects labels and other names."""
    models: dict[str, Scored] = {}
    for task in tasks:
        for one in scored_models(store, runs, settings, [task]):
            if one.fingerprint in models:
                models[one.fingerprint].artifacts.update(one.artifacts)
            else:
                models[one.fingerprint] = one
    known |= {one.label: _called(one, runs) for one in models.values()}
    fitting = [one for one in models.values() if any(_names(name, said) for said in known[one.label])]
    if len(fitting) > 1 and (last := _last_of_run(fitting, runs, name)):
        return last
    if len(fitting) > 1:
        raise InputError(f"'{name}' could be {', '.join(one.label for one in fitting)}: say which")
    return fitting[0] if fitting else None


def _last_of_run(models: list[Scored], runs: list[Run], name: str) -> Scored | None:
    """A run's id stands for its last iteration."""
    ends = [run.checkpoints[-1]["fingerprint"] for run in runs if run.checkpoints and run.id.startswith(name)]
    found = [one for one in models if one.fingerprint in ends]
    return found[0] if len(found) == 1 else None


def _called(model: Scored, runs: list[Run]) -> list[str]:
    """Everything that a model may be called by."""
    names = [model.label, model.label.removesuffix(" (base)"), model.fingerprint]
    for run in runs:
        for checkpoint in run.checkpoints:
            if checkpoint["fingerprint"] == model.fingerprint:
                names += [run.id, checkpoint["path"]]
        names += [
            one.model
            for one in run.evaluations
            if one.fingerprint == model.fingerprint and not run.checkpoints
        ]
    return names


def _names(asked: str, said: str) -> bool:
    """Whether `asked` means `said`: the same, or the beginning (8 characters at least) of an id or fingerprint."""
    return asked == said or (len(asked) >= 8 and said.startswith(asked) and " " not in said)
