"""A board: every model scored under the same settings on the same tasks, base first, each beside its base."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.printing import counted
from genius_bench.reporting.averages import comparable
from genius_bench.reporting.cost import Cost
from genius_bench.reporting.curves import GREEDY, Curve, curves_of
from genius_bench.reporting.groups import groups_of, hidden_by
from genius_bench.reporting.recipes import called, placebo_of, seed_groups
from genius_bench.reporting.remembered import remembered
from genius_bench.reporting.row import Row, counted_rows
from genius_bench.reporting.scored import Scored, scored_models
from genius_bench.runs import read_runs

_ROWS = TypeAdapter(list[Row])


@dataclass(frozen=True)
class Board:
    tasks: list[str]
    metrics: dict[str, str]
    """Task → the metric of its cells; tasks that could not be graded have none."""
    settings: dict[str, Any]
    rows: list[Row]
    not_scored: dict[str, str] = field(default_factory=dict)
    """Task → why its answers could not be graded."""
    outdated: list[str] = field(default_factory=list)
    """Models that were scored on an earlier version of a task, whose numbers are not comparable."""
    not_controlled: list[str] = field(default_factory=list)
    """Tasks of the averages that no model was asked at other temperatures, where there are others."""
    elsewhere: dict[int, str] = field(default_factory=dict)
    """Number of a board (as `build_board` takes it) → what stands there and not here."""


def build_board(
    home: Path,
    *,
    settings: dict[str, Any] | None = None,
    tasks: Sequence[str] | None = None,
    means: bool = False,
    number: int = 1,
) -> Board:
    """The board of one group of settings and tasks: the `number`-th of those that `groups_of` puts in order, or of
    those whose settings and tasks are asked for.

    `means` leaves out the single seeds. Numbers made under different settings never share a board. Raises
    `InputError` when nothing was scored yet.
    """
    runs = read_runs(home)
    groups = groups_of(runs)
    fitting = [
        one
        for one in groups
        if settings in (None, one.settings) and (not tasks or set(tasks) <= set(one.tasks))
    ]
    if not fitting:
        raise InputError(
            f"nothing scored yet in {home} for this suite; run 'genius-bench train' or 'genius-bench eval'"
        )
    if number > len(fitting):
        raise InputError(
            f"there is no board {number}: {counted(len(fitting), 'group')} of settings and tasks in {home}"
        )
    group = fitting[number - 1]
    settings, tasks = group.settings, list(tasks or group.tasks)
    elsewhere = {place: one.told for place, one in hidden_by(group, groups)}
    store = Store(home)
    everything = scored_models(store, runs, settings, tasks)
    scored, outdated = current(everything)
    curves = curves_of(store, runs, settings, scored)
    board = board_of(home, scored, settings, tasks, means=means, curves=curves)
    return replace(board, outdated=outdated, elsewhere=elsewhere)


def current(scored: list[Scored]) -> tuple[list[Scored], list[str]]:
    """The models that were scored on the newest version of every task, and the labels of the others."""
    newest: dict[str, int] = {}
    for one in scored:
        for task, version in one.versions.items():
            newest[task] = max(version, newest.get(task, 0))
    old = [one for one in scored if any(version < newest[task] for task, version in one.versions.items())]
    return [one for one in scored if one not in old], [one.label for one in old]


def board_of(
    home: Path,
    scored: list[Scored],
    settings: dict[str, Any],
    tasks: Sequence[str],
    *,
    means: bool = False,
    curves: Mapping[str, Curve] | None = None,
) -> Board:
    """The board of models that were all scored on `tasks` under `settings`, bases first. The `home` is where its rows
    are remembered.

    With their `curves` (by fingerprint) each base is followed by itself at its best temperature, and every row says
    what the model does beyond sharpening.
    """
    found = {task: next(filter(None, (one.headline(task) for one in scored)), None) for task in tasks}
    metrics = {task: metric for task, metric in found.items() if metric is not None}
    curves = curves or {}
    controlled = [task for task in comparable(metrics) if any(map(_varied(task), curves.values()))]
    sampled_often = [
        task
        for task in comparable(metrics)
        if any(task in one.artifacts for curve in curves.values() for one in curve.many.values())
    ]
    bases = {one.fingerprint: one for one in scored}
    several = seed_groups(scored)
    averaged = {one.fingerprint for group in several for one in group} if means else set()
    groups = [[one] for one in scored if one.fingerprint not in averaged] + several
    rows = []
    for group in groups:
        base, placebo = bases.get(group[0].base_fingerprint), placebo_of(group[0], scored)
        with_base = [*group, base] if base else group
        count = partial(counted_rows, group, base, placebo, metrics, controlled, sampled_often, curves)
        files = [
            [one.seen for one in (*with_base, *placebo)],
            [curves[one.fingerprint].seen for one in with_base if one.fingerprint in curves],
        ]
        asked = [metrics, controlled, sampled_often, len(group), base is not None]
        counted, *control = remembered(home, _ROWS, asked, files, count, _whole)
        rows.append(_row(group, list(metrics), counted))
        name = rows[-1].label.removesuffix(" (base)")
        rows += [replace(one, label=f"{name}, {one.label}") for one in control]
    not_controlled = [task for task in comparable(metrics) if controlled and task not in controlled]
    reasons = {
        task: str(score.details["not_scored"])
        for one in scored
        for (task, _), score in one.scores.items()
        if task not in metrics and score.details.get("not_scored")
    }
    return Board(list(tasks), metrics, settings, rows, reasons, not_controlled)


def _varied(task: str) -> Callable[[Curve], bool]:
    return lambda curve: bool({*curve.temperatures([task])} - {GREEDY, curve.own_temperature})


def _whole(rows: list[Row]) -> bool:
    """Whether the entropies that gains are taken apart by were known: they lie with the answers, not with the scores,
    and may come later."""
    sharpening = rows[0].sharpening
    return sharpening is None or sharpening.beyond is None or bool(sharpening.parts)


def _row(group: list[Scored], tasks: list[str], counted: Row) -> Row:
    """With what is said of its models beside their answers, which may change while those do not."""
    return replace(
        counted,
        label=called(group),
        notes={task: notes for task in tasks if (notes := group[0].notes(task))},
        cost=_mean_cost([one.cost for one in group if one.cost is not None]),
        helped_by=tuple(sorted(group[0].helped_by)),
    )


def _mean_cost(costs: list[Cost]) -> Cost | None:
    return sum(costs, Cost()) / len(costs) if costs else None
