"""The numbers that a home holds for a board's cells: found by recipe, never by name."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.boards.cells import Cell, Mark, Measured
from genius_bench.boards.insight import looked_into
from genius_bench.boards.matching import what_was_done
from genius_bench.boards.specification import Column, Fields, Leaderboard, RowSpec
from genius_bench.contamination.comparing import SELF, newest
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import resolve_suite
from genius_bench.layers import Layer
from genius_bench.reporting.averages import average_of, comparable, gain_of
from genius_bench.reporting.curves import Curve, curves_of
from genius_bench.reporting.scored import Scored, scored_models
from genius_bench.resolution import resolve
from genius_bench.rows import Score
from genius_bench.runs import Evaluation, Run, places_of, read_runs
from genius_bench.statistics import Difference


class Home:
    """The runs of a home as a board's table sees them: all of one group of evaluation settings."""

    def __init__(self, home: Path, leaderboard: Leaderboard, columns: Sequence[Column]) -> None:
        self.leaderboard = leaderboard
        self.store, self.runs = Store(home), read_runs(home)
        self.settings = self._settings(columns)
        self._recipes: dict[str, Any] = {}
        tasks = sorted({task for column in columns for task in tasks_of(column, None)})
        found = (
            scored_models(self.store, self.runs, self.settings, tasks, whole=False) if self.settings else []
        )
        self._scored = {one.fingerprint: one for one in found}

    def fingerprints(self, fields: Fields) -> list[str]:
        return list(self.by_seed(fields).values())

    def by_seed(self, fields: Fields) -> dict[int, str]:
        """Training seed → the fingerprint of the run's last checkpoint; a base's own names count up from 0."""
        if self.leaderboard.layer(fields) is None:
            return dict(enumerate(self._base_fingerprints(self.leaderboard.model_of(fields))))
        return {seed: run.checkpoints[-1]["fingerprint"] for seed, run in self._runs_of(fields).items()}

    def _runs_of(self, fields: Fields) -> dict[int, Run]:
        """Training seed → the newest run of it; of several, one with checkpoints on the way before others."""
        layer = self.leaderboard.layer(fields)
        wanted = self._comparable(layer) if layer is not None else None
        found: dict[int, Run] = {}
        for run in sorted(self.runs, key=lambda run: bool(run.on_the_way)):
            if not run.recipe or not run.checkpoints or run.recipe["seed"] not in self.leaderboard.spec.seeds:
                continue
            if what_was_done(run.recipe) == wanted:
                found[run.recipe["seed"]] = run
        return dict(sorted(found.items()))

    def is_scored(self, fingerprints: Sequence[str], task: str) -> bool:
        """Whether one of these models has answers to a task under the settings of this table."""
        found = [one.artifacts[task] for one in self._groups(fingerprints, [task])]
        return any(self.store.find(one.kind, one.key) for one in found)

    def scored(self, fields: Fields, tasks: Sequence[str]) -> list[Scored]:
        """The models of a run that have scores of all `tasks`, one a seed, oldest seed first; of a base the model."""
        return self._groups(self.fingerprints(fields), tasks)

    def base(self, fields: Fields, tasks: Sequence[str]) -> Scored | None:
        """The base of a run, where it has scores of all `tasks`."""
        return next(iter(self.scored({"method": "base", **_model(fields)}, tasks)), None)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Fingerprint → what a model scores at other temperatures."""
        return curves_of(self.store, self.runs, self.settings, list(self._scored.values()))

    def score_artifacts(self, fingerprint: str, row: RowSpec, column: Column) -> dict[str, Artifact]:
        """Task → the scores of a model behind a cell."""
        artifacts = self._scored[fingerprint].artifacts if fingerprint in self._scored else {}
        return {task: artifacts[task] for task in tasks_of(column, row) if task in artifacts}

    def similarity(self, task: str, other: str) -> Measured | str:
        """A mean cosine as `genius-bench contamination` left it; an interval has no meaning for it."""
        found = newest(self.store, [] if other == SELF else [other], [task])
        value = found.values.get(task, {}).get(other) if found else None
        if found is None or value is None:
            return f"{task}: not compared with {'itself' if other == SELF else other}"
        return Measured(value=value, low=value, high=value, items=found.queries)

    def tied(self, cells: list[Cell], marks: list[Mark], column: Column) -> bool:
        """Whether the best of a column is not significantly better than the second best."""
        best = [cell for cell, mark in zip(cells, marks, strict=True) if mark == "best"]
        second = [cell for cell, mark in zip(cells, marks, strict=True) if mark == "second"]
        if len(best) > 1:
            return True
        if not best or not second:
            return False
        difference = self.difference(best[0].run, second[0].run, column)
        return difference is None or difference.p_value >= 0.05

    def remarks(self) -> list[str]:
        """What a reader of the measured numbers must know, each said once."""
        return list(dict.fromkeys(remark for one in self._scored.values() for remark in _remarks_on(one)))

    def difference(self, a: Fields, b: Fields, column: Column) -> Difference | None:
        tasks = tasks_of(column, None)
        mine, theirs = [self.scored(fields, tasks) for fields in (a, b)]
        metrics = self._metrics(mine, tasks)
        if not mine or not theirs or not metrics:
            return None
        return gain_of(mine, theirs, metrics)

    def _groups(self, fingerprints: Sequence[str], tasks: Sequence[str]) -> list[Scored]:
        """Those of the models that have scores of all `tasks`."""
        found = [self._scored[name] for name in fingerprints if name in self._scored]
        return [one for one in found if set(tasks) <= one.artifacts.keys()]

    @staticmethod
    def _metrics(groups: list[Scored], tasks: list[str]) -> dict[str, str]:
        if not groups:
            return {}
        found = {task: groups[0].headline(task) for task in tasks}
        return {task: metric for task, metric in found.items() if metric}

    def estimate(self, fields: Fields, tasks: list[str]) -> Measured | str:
        """The mean over `tasks` and seeds, with the gain over the base; or what is missing."""
        return self._estimate(self.fingerprints(fields), fields, tasks)

    def curve(self, fields: Fields, tasks: list[str]) -> list[tuple[int, Measured]]:
        """Optimiser steps → the mean over `tasks` and seeds of the checkpoints there; the base stands at step 0.

        A point is the mean of all seeds, or it is none: trainings of other lengths are laid over each other by the ends
        of their rounds, which stand at the mean of their steps. Where some seeds kept checkpoints on the way, the
        others are left out.
        """
        runs = list(self._runs_of(fields).values())
        tracks = [places_of(self.store, run) for run in runs if run.on_the_way] or [
            places_of(self.store, run) for run in runs
        ]
        shared = set(tracks[0]).intersection(*tracks) if tracks else set()
        points = {0: self.fingerprints({"method": "base", **_model(fields)})[:1]}
        for place in shared:
            steps = [track[place][0] for track in tracks]
            points[round(sum(steps) / len(steps))] = [track[place][1] for track in tracks]
        found = {step: self._estimate(names, fields, tasks) for step, names in sorted(points.items())}
        return [(step, one) for step, one in found.items() if isinstance(one, Measured)]

    def _estimate(self, fingerprints: Sequence[str], fields: Fields, tasks: list[str]) -> Measured | str:
        groups = self._groups(fingerprints, tasks)
        if not groups:
            return self.what_is_missing(fields, tasks)
        try:
            return self._measured(groups, fields, tasks)
        except InputError as error:  # one damaged file costs its cell, not the table
            return f"cannot be read: {error}"

    def _measured(self, groups: list[Scored], fields: Fields, tasks: list[str]) -> Measured | str:
        metrics = self._metrics(groups, tasks)
        if len(metrics) < len(tasks):
            return f"not graded: {', '.join(task for task in tasks if task not in metrics)}"
        if len(tasks) > 1:
            metrics = comparable(metrics)
        value = average_of(groups, metrics)
        if value is None:
            return "not every seed has the same metrics"
        base = self.base(fields, tasks)
        gain = gain_of(groups, [base], metrics) if base and groups[0] is not base else None
        scores = [one.scores[task, metric] for one in groups for task, metric in metrics.items()]
        return Measured(
            value=100 * value.value,
            low=100 * value.low,
            high=100 * value.high,
            seeds=len(groups),
            samples=_samples(scores[0]),
            items=sum(score.n for score in scores) // len(groups),
            gain=100 * gain.difference if gain else None,
            gain_low=100 * gain.low if gain else None,
            gain_high=100 * gain.high if gain else None,
            p_value=gain.p_value if gain else None,
            fingerprints=tuple(one.fingerprint for one in groups),
        )

    def what_is_missing(self, fields: Fields, tasks: list[str]) -> str:
        """The command that would fill the cell."""
        run = " ".join(fields.values()) or "the base"
        trained = self.fingerprints(fields)
        if trained:
            lacking = [task for task in tasks if not self.is_scored(trained, task)]
            return f"{run}: not scored on {', '.join(lacking) or 'all of its tasks'} under these settings"
        return f"{run}: no such run in this home"

    def _settings(self, columns: Sequence[Column]) -> dict[str, Any]:
        """The evaluation settings of the board's protocol, whole sets only, that most of the table was scored under;
        the newest of several. Numbers of different settings never share a table."""
        tasks = {task for column in columns for task in tasks_of(column, None)}
        counts: list[tuple[int, int, dict[str, Any]]] = []
        for place, evaluation in enumerate(e for run in self.runs for e in run.on_boards):
            settings = evaluation.settings
            if not self._usable(evaluation):
                continue
            found = next((entry for entry in counts if entry[2] == settings), (0, 0, settings))
            if found in counts:
                counts.remove(found)
            counts.append((found[0] + len(tasks & set(evaluation.scores)), place, settings))
        return max(counts, key=lambda entry: entry[:2])[2] if counts else {}

    def _usable(self, evaluation: Evaluation) -> bool:
        """Of the board's protocol, and of whole sets unless the board itself says otherwise."""
        own = self.leaderboard.spec.common.get("evaluation", {})
        whole = all(evaluation.settings.get(part) == own.get(part) for part in ("limit", "split"))
        return whole and evaluation.settings.get("protocol") == self.leaderboard.spec.protocol

    def _base_fingerprints(self, model: str) -> list[str]:
        trained_from = [
            run.base_fingerprint for run in self.runs if run.base == model and run.base_fingerprint
        ]
        scored = [e.fingerprint for run in self.runs for e in run.evaluations if e.model == model]
        return list(dict.fromkeys(reversed([*trained_from, *scored])))

    def _comparable(self, layer: Layer) -> Any:
        key = repr(layer)
        if key not in self._recipes:
            recipe = json.loads(json.dumps(resolve(layer).recipe.model_dump()))  # as a run's record holds it
            self._recipes[key] = what_was_done(recipe)
        return self._recipes[key]


def measure(home: Home, fields: Fields, row: RowSpec, column: Column) -> Measured | str:
    """What a home holds for one cell, or what is missing there."""
    if column.similarity:
        return home.similarity(str(row.task), column.similarity)
    tasks = tasks_of(column, row)
    found = home.estimate(fields, tasks)
    if isinstance(found, str):
        return found
    if column.slice or column.shows != "score":
        return looked_into(found, home.scored(fields, tasks), home.base(fields, tasks), column, home.curves)
    if column.lost_against is None:
        return found
    other = {**fields, **column.lost_against}
    whole = {axis: value for axis, value in other.items() if axis != "variant"}
    if whole == fields:
        return ""
    complete = home.estimate(whole, tasks)
    difference = home.difference(whole, fields, column) if isinstance(complete, Measured) else None
    if isinstance(complete, str) or difference is None:
        return home.what_is_missing(whole, tasks)
    return _loss(found, complete, difference)


def _remarks_on(model: Scored) -> list[str]:
    try:
        return [f"{task}, {model.label}: {note}" for task in model.artifacts for note in model.notes(task)]
    except InputError:  # its cells say that it cannot be read
        return []


def _loss(own: Measured, complete: Measured, difference: Difference) -> Measured:
    """How much less a run has than the whole method, in points; behind it stand the models of both."""
    return replace(
        own,
        value=100 * difference.difference,
        low=100 * difference.low,
        high=100 * difference.high,
        gain=None,
        gain_low=None,
        gain_high=None,
        p_value=difference.p_value,
        fingerprints=own.fingerprints + complete.fingerprints,
    )


def tasks_of(column: Column, row: RowSpec | None) -> list[str]:
    """The tasks behind a column's number."""
    if column.task:
        return [column.task]
    if column.average:
        return _suite(column.average)
    return [row.task] if row and row.task else []


@cache
def _suite(name: str) -> list[str]:
    return resolve_suite(name)


def _model(fields: Fields) -> Fields:
    return {"model": fields["model"]} if "model" in fields else {}


def _samples(score: Score) -> int | None:
    return 1 if "greedy" in score.metric else score.details.get("answers_per_item")
