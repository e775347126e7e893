"""A line of a board: what the answers of a model say, or those of one recipe's models over seeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genius_bench.evaluation.metrics import FAILURES, SEVERAL
from genius_bench.reporting.averages import average_of, comparable, corrected, gain_of
from genius_bench.reporting.cost import Cost
from genius_bench.reporting.coverage import Changes, Coverage, changes_of, coverage_of
from genius_bench.reporting.curves import GREEDY, Curve
from genius_bench.reporting.scored import ItemValues, Scored
from genius_bench.reporting.sharpening import Sharpening, sharpening_of
from genius_bench.reporting.slices import Slice, slices_of
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


def counted_rows(
    group: list[Scored],
    base: Scored | None,
    placebo: list[Scored],
    metrics: dict[str, str],
    controlled: list[str],
    sampled_often: list[str],
    curves: Mapping[str, Curve],
) -> list[Row]:
    """The numbers of a model, or of the mean of one recipe's models over seeds: what their answers say. A base is
    followed by itself at its best temperature.

    `controlled` are the tasks that models were asked at other temperatures, `sampled_often` those with many samples of
    an item. What is known of the models beside their answers (label, notes, cost, help) is left to the board.
    """
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
