"""Two models on the same questions: paired tests task by task, and the answers that changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from genius_bench.artifacts import Store
from genius_bench.errors import InputError, nearest
from genius_bench.evaluation.metrics import JUDGED
from genius_bench.reporting.recipes import called, seed_groups
from genius_bench.reporting.scored import Scored, scored_models
from genius_bench.runs import Evaluation, Run, read_runs
from genius_bench.statistics import (
    Difference,
    detectable_difference,
    holm,
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

    A model is named by its label on the board, the beginning of a run's id or fingerprint, a path or a hub id; the
    models of one recipe with other seeds by the label of their mean. Raises `InputError` when a name is unknown or the
    two share no settings.
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
            common = [task for task in shared if all(task in one.artifacts for one in found[0] + found[1])]
            wanted = [task for task in common if tasks is None or task in tasks]
            if wanted:
                return _compare(found[0], found[1], settings, wanted)
    for name in (a, b):
        if not any(_names(name, alias) for aliases in known.values() for alias in aliases):
            raise InputError(f"no model '{name}' on any board of {home}: {nearest(name, sorted(known))}")
    raise InputError(f"'{a}' and '{b}' were never scored on the same tasks under the same settings")


def _compare(a: list[Scored], b: list[Scored], settings: dict[str, Any], tasks: list[str]) -> Comparison:
    """Of two models, or of one recipe's models each (a seed every one)."""
    pairs: dict[str, str] = {}
    skipped = {}
    for task in tasks:
        metrics = {one.headline(task) for one in (*a, *b)}
        metric = metrics.pop()
        if metric is None or metrics:
            skipped[task] = "not graded"
        elif len({frozenset(one.items(task, metric)) for one in (*a, *b)}) > 1:
            skipped[task] = "not the same questions"
        else:
            pairs[task] = metric
    if not pairs:
        raise InputError(f"'{called(a)}' and '{called(b)}' share no graded task: {skipped}")
    base, mine = ([[one.items(*pair) for pair in pairs.items()] for one in side] for side in (a, b))
    apart = {
        task: ([[one[place]] for one in mine], [[one[place]] for one in base])
        for place, task in enumerate(pairs)
    }
    differences = {task: suite_difference(after, before) for task, (after, before) in apart.items()}
    corrected = dict(zip(pairs, holm([one.p_value for one in differences.values()]), strict=True))
    means = {task: (_mean_of(a, task, metric), _mean_of(b, task, metric)) for task, metric in pairs.items()}
    compared = [
        TaskComparison(
            task=task,
            metric=metric,
            a=mean(means[task][0].values()),
            b=mean(means[task][1].values()),
            difference=differences[task]._replace(p_value=corrected[task]),
            detectable=detectable_difference(apart[task][0], apart[task][1]),
            changes=_changes(a[0], b[0], task, metric, *means[task]),
        )
        for task, metric in pairs.items()
    ]
    average = suite_difference(mine, base)
    notes = [
        f"{task}, {called(side)}: {note}" for side in (a, b) for task in pairs for note in side[0].notes(task)
    ]
    same = [one.fingerprint for one in a] == [one.fingerprint for one in b]
    return Comparison(called(a), called(b), settings, compared, average, skipped, notes, same)


def _mean_of(models: list[Scored], task: str, metric: str) -> dict[str, float]:
    """Question → the mean of what the models are worth on it."""
    values = [one.items(task, metric) for one in models]
    return {name: mean(one[name] for one in values) for name in values[0]}


def _changes(
    a: Scored, b: Scored, task: str, metric: str, before: dict[str, float], after: dict[str, float]
) -> list[Change]:
    """Items whose value differs, each with an answer of a and one of b that show the difference."""
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
) -> list[Scored] | None:
    """The model called `name` with the tasks that it has been scored on, or one recipe's models; `known` collects
    labels and other names."""
    models: dict[str, Scored] = {}
    for task in tasks:
        for one in scored_models(store, runs, settings, [task]):
            if one.fingerprint in models:
                models[one.fingerprint].artifacts.update(one.artifacts)
            else:
                models[one.fingerprint] = one
    known |= {one.label: _called(one, runs) for one in models.values()}
    for group in seed_groups(list(models.values())):
        known[called(group)] = [called(group)]
        if name == called(group):
            return group
    fitting = [one for one in models.values() if any(_names(name, said) for said in known[one.label])]
    if len(fitting) > 1 and (last := _last_of_run(fitting, runs, name)):
        return [last]
    if len(fitting) > 1:
        raise InputError(f"'{name}' could be {', '.join(one.label for one in fitting)}: say which")
    return fitting or None


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
    """Whether `asked` means `said`: the same, or the beginning of an id (with its dash) or of a fingerprint (8
    characters at least)."""
    begins = said.startswith(asked) and " " not in said
    return asked == said or (begins and (len(asked) >= 8 or ("-" in asked and "/" not in asked)))
