"""A board: every model scored under the same settings on the same tasks, base first, each beside its base."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.evaluation.metrics import FAILURES, SEVERAL
from genius_bench.printing import counted
from genius_bench.reporting.averages import average_of, comparable, corrected, gain_of
from genius_bench.reporting.cost import Cost
from genius_bench.reporting.coverage import Changes, Coverage, changes_of, coverage_of
from genius_bench.reporting.curves import GREEDY, Curve, curves_of
from genius_bench.reporting.groups import groups_of, hidden_by
from genius_bench.reporting.recipes import called, placebo_of, seed_groups
from genius_bench.reporting.remembered import remembered
from genius_bench.reporting.scored import ItemValues, Scored, scored_models
from genius_bench.reporting.sharpening import Sharpening, sharpening_of
from genius_bench.reporting.slices import Slice, slices_of
from genius_bench.runs import read_runs
from genius_bench.statistics import (
    Difference,
    Estimate,
    paired_difference,
    share,
    suite_difference,
)


@dataclass(frozen=True)
class Row:
    """A line of the board. Estimates and differences are shares (0–1); None where a number does not exist."""

    label: str
    base: str
    """Fingerprint of the base that it is, or that it was made from."""
    is_base: bool
    seeds: int
    fingerprints: tuple[str, ...]
    """Of the model, or of the models that the row is the mean of."""
    cells: dict[str, Estimate | None]
    """Task → accuracy (of the board's metric)."""
    gains: dict[str, Difference | None]
    """Task → gain over the base, p-values corrected over tasks (Holm)."""
    average: Estimate | None
    average_gain: Difference | None
    greedy: float | None
    greedy_gain: Difference | None
    released: Estimate | None
    """The average by the published extraction rules, over the tasks that they cover."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """Task → what a reader of its number must know."""
    several: dict[str, float] = field(default_factory=dict)
    """pass@k and maj@k, and `one` sample alone: means over the tasks that have them."""
    failures: dict[str, float] = field(default_factory=dict)
    """Share of answers without a parsable result, cut off, empty, lost to an error, or that nothing could be decided
    about; `any` counts each once. None of a control."""
    cost: Cost | None = None
    """Of its making; the mean over seeds where several are averaged. None for a base."""
    slices: dict[str, Slice] = field(default_factory=dict)
    """Level or kind of items → what it scores there; of tasks that tell them apart."""
    helped_by: tuple[str, ...] = ()
    """Labels of the corpus that its training was handed, in the words of `Method.needs`."""
    over_placebo: Difference | None = None
    """Average gain over the same recipe without a signal: pairs drawn at random, or unfiltered responses imitated."""
    is_control: bool = False
    """Whether it is a base at the temperature that suits it best, instead of at the board's own."""
    sharpening: Sharpening | None = None
    coverage: Coverage | None = None
    changes: Changes | None = None
    """Of the greedy answers, against the base's; of single models."""


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
        count = partial(_counted, group, base, placebo, metrics, controlled, sampled_often, curves)
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


def _counted(
    group: list[Scored],
    base: Scored | None,
    placebo: list[Scored],
    metrics: dict[str, str],
    controlled: list[str],
    sampled_often: list[str],
    curves: Mapping[str, Curve],
) -> list[Row]:
    """The numbers of a model, or of the mean of one recipe's models over seeds: what their answers say. A base is
    followed by itself at its best temperature."""
    alike = comparable(metrics)
    greedy = dict.fromkeys(_covered(group, alike, "greedy"), "greedy")
    gains: dict[str, Difference | None] = dict.fromkeys(metrics)
    average_gain = greedy_gain = None
    if base is not None and metrics:
        gains = corrected({task: gain_of(group, [base], {task: metric}) for task, metric in metrics.items()})
        average_gain = gain_of(group, [base], alike)
        greedy_gain = gain_of(group, [base], greedy) if greedy else None
    greedy_average = average_of(group, greedy)
    row = Row(
        label="",
        base=group[0].base_fingerprint or group[0].fingerprint,
        is_base=not group[0].base_fingerprint,
        seeds=len(group),
        fingerprints=tuple(one.fingerprint for one in group),
        cells={task: average_of(group, {task: metric}) for task, metric in metrics.items()},
        gains=gains,
        average=average_of(group, alike),
        average_gain=average_gain,
        greedy=greedy_average.value if greedy_average else None,
        greedy_gain=greedy_gain,
        released=average_of(group, _by_published_rules(group, alike)),
        several=_of_several_samples(group, list(metrics)),
        failures={name: _failure(group, list(alike), name) for name in FAILURES},
        slices=slices_of(
            {task: group[0].slices(task) for task in alike},
            [_answers(one, alike) for one in group],
            _answers(base, alike) if base is not None else None,
        ),
        over_placebo=gain_of(group, placebo, alike) if placebo else None,
        **_control_of(group, base, list(alike), controlled, sampled_often, curves),
    )
    control = _control(row, metrics, controlled, curves) if row.is_base else None
    return [row, control] if control else [row]


def _answers(model: Scored, metrics: Mapping[str, str]) -> dict[str, ItemValues]:
    return {task: model.items(task, metric) for task, metric in metrics.items()}


def _varied(task: str) -> Callable[[Curve], bool]:
    return lambda curve: bool({*curve.temperatures([task])} - {GREEDY, curve.own_temperature})


def _control_of(
    group: list[Scored],
    base: Scored | None,
    tasks: list[str],
    controlled: list[str],
    sampled_often: list[str],
    curves: Mapping[str, Curve],
) -> dict[str, Any]:
    """What the row's models are at other temperatures and with many samples, as far as they were asked."""
    mine = [curves[one.fingerprint] for one in group if one.fingerprint in curves]
    theirs = curves.get(base.fingerprint) if base else None
    if len(mine) < len(group) or (base and not theirs):
        return {}
    return {
        "sharpening": sharpening_of(mine, theirs, controlled),
        "coverage": coverage_of(mine, theirs, sampled_often),
        "changes": changes_of(mine[0], theirs, tasks) if theirs and len(mine) == 1 else None,
    }


def _control(
    row: Row, metrics: dict[str, str], controlled: list[str], curves: Mapping[str, Curve]
) -> Row | None:
    """A base at the temperature that suits it best: what every trained model has to beat. It costs no training."""
    if row.sharpening is None:
        return None
    curve, [best] = curves[row.base], row.sharpening.best
    there = {task: curve.reported(task, best) for task in controlled}
    here = {task: curve.reported(task, curve.own_temperature) for task in controlled}
    if any(there[task].keys() != here[task].keys() for task in controlled):
        return None  # the items have changed between the two
    cells: dict[str, Estimate | None] = dict.fromkeys(metrics)
    gains: dict[str, Difference | None] = dict.fromkeys(metrics)
    for task in controlled:
        cells[task] = share(list(there[task].values()), curve.answers_per_item(task, best))
        gains[task] = paired_difference(there[task], here[task])
    whole = controlled == list(comparable(metrics))  # else its average is not of what the others' are
    return Row(
        label=told(best),
        base=row.base,
        is_base=False,
        is_control=True,
        seeds=1,
        fingerprints=(),
        cells=cells,
        gains=corrected(gains),
        average=row.sharpening.at_best if whole else None,
        average_gain=suite_difference([[*there.values()]], [[*here.values()]]) if whole else None,
        greedy=None,
        greedy_gain=None,
        released=None,
        slices=slices_of({task: curve.own.slices(task) for task in controlled}, [there], here)
        if whole
        else {},
    )


def told(temperature: float) -> str:
    """A temperature as a board says it."""
    return "greedy" if temperature == GREEDY else f"T={temperature:g}"


def _mean_cost(costs: list[Cost]) -> Cost | None:
    return sum(costs, Cost()) / len(costs) if costs else None


def _by_published_rules(group: list[Scored], metrics: dict[str, str]) -> dict[str, str]:
    """The published rules' metric of the tasks that they cover, for the same answers as the headline's."""
    wanted = {task: f"released_{metric.removeprefix('released_')}" for task, metric in metrics.items()}
    return {task: metric for task, metric in wanted.items() if task in _covered(group, [task], metric)}


def _of_several_samples(group: list[Scored], tasks: list[str]) -> dict[str, float]:
    """Each pass@k and maj@k that all tasks with several samples (and results to compare) have."""
    found: dict[str, dict[tuple[int, str], float]] = {}
    for number, one in enumerate(group):
        for (task, metric), score in one.scores.items():
            if task in tasks and SEVERAL.fullmatch(metric):
                found.setdefault(metric, {})[number, task] = score.value / 100
    for number, one in enumerate(group):
        for task in tasks:
            if one.headline(task) == "sampled" and (task, "pass@2") in one.scores:
                found.setdefault("one", {})[number, task] = one.scores[task, "sampled"].value / 100
    kinds = ("pass@", "maj@")
    having = {kind: {key for name in found if name.startswith(kind) for key in found[name]} for kind in kinds}
    return {
        name: sum(values.values()) / len(values)
        for name, values in found.items()
        if name == "one" or values.keys() == having[name[: name.index("@") + 1]]
    }


def _covered(group: list[Scored], tasks: Iterable[str], metric: str) -> list[str]:
    return [task for task in tasks if all((task, metric) in one.scores for one in group)]


def _failure(group: list[Scored], tasks: list[str], name: str) -> float:
    """The share of all answers that failed so."""
    values = [value for one in group for task in tasks for value in one.items(task, name).values()]
    return sum(values) / len(values) if values else 0.0
