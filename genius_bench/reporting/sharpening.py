"""Did a model learn something, or only get more certain? Its best temperature against its base's best, and what its
gain at the board's own temperature is made of."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from genius_bench.reporting.curves import GREEDY, Curve
from genius_bench.reporting.scored import ItemValues
from genius_bench.statistics import (
    Difference,
    Estimate,
    Suite,
    detectable_difference,
    suite_average,
    suite_difference,
)

DRAWS = 200
"""Of the tuning items, to see how much the choice of a temperature depends on them."""


@dataclass(frozen=True)
class Sharpening:
    """A model (or the mean of one recipe's seeds) with the temperature as a control. Shares between 0 and 1."""

    best: tuple[float, ...]
    """The temperature that suits it best, of every seed; 0 is greedy."""
    at_best: Estimate
    """What it scores there, on the items that are reported."""
    curve: dict[float, Estimate] = field(default_factory=dict)
    """Temperature → average over tasks; of single models only."""
    beyond: Difference | None = None
    """At its best temperature against its base at the base's; None of a base."""
    detectable: float | None = None
    """The smallest true difference of this kind that would be seen in four of five attempts."""
    parts: dict[str, Difference] = field(default_factory=dict)
    """What its gain at the board's temperature is made of: `format`, `sharpening`, `rest`; they add up to it."""
    as_certain_as: tuple[float | None, ...] = ()
    """Of every seed, the temperature at which its base is as certain as it is at the board's own."""


def sharpening_of(group: Sequence[Curve], base: Curve | None, tasks: Sequence[str]) -> Sharpening | None:
    """None where other temperatures were not asked for all of these tasks."""
    asked = [
        set(one.temperatures(tasks)) - {GREEDY, one.own_temperature} for one in (*group, base or group[0])
    ]
    if not tasks or not all(asked):
        return None
    best = tuple(one.best(tasks) for one in group)
    mine = [_suite(one, tasks, chosen) for one, chosen in zip(group, best, strict=True)]
    try:
        at_best = suite_average(mine)
    except ValueError:  # seeds that were not asked the same questions
        return None
    curve = {}
    if len(group) == 1:
        curve = {one: suite_average([_suite(group[0], tasks, one)]) for one in group[0].temperatures(tasks)}
    if base is None:
        return Sharpening(best, at_best, curve)
    theirs = _suite(base, tasks, base.best(tasks))
    luck = _luck_of_choosing(group, base, tasks)
    try:
        beyond = suite_difference(mine, [theirs], luck)
        detectable = detectable_difference(mine, [theirs], luck)
    except ValueError:  # not the questions of the base
        return Sharpening(best, at_best, curve)
    certain = tuple(_as_certain(base, one, tasks) for one in group)
    parts = _parts(group, base, certain, tasks)
    return Sharpening(best, at_best, curve, beyond, detectable, parts, certain)


def _luck_of_choosing(group: Sequence[Curve], base: Curve, tasks: Sequence[str]) -> float:
    """The standard error that other tuning items, and so other temperatures, would have brought.

    Averages that are drawn anew lie around the one that was found, which itself lies around the truth: they vary twice
    as much as it does. Hence half of their variance (docs/evaluation.md says what simulations found).
    """
    import numpy as np

    draws = {id(one): one.chosen(tasks, DRAWS)[1:] for one in (*group, base)}
    scores = {
        id(one): {
            temperature: np.mean([np.mean(list(one.reported(task, temperature).values())) for task in tasks])
            for temperature in set(draws[id(one)])
        }
        for one in (*group, base)
    }
    at = {key: np.array([scores[key][one] for one in chosen]) for key, chosen in draws.items()}
    return float(np.std(np.mean([at[id(one)] for one in group], axis=0) - at[id(base)])) / math.sqrt(2)


def _suite(curve: Curve, tasks: Sequence[str], temperature: float) -> Suite:
    return [curve.reported(task, temperature) for task in tasks]


def _as_certain(base: Curve, model: Curve, tasks: Sequence[str]) -> float | None:
    """The temperature at which the base's mean token entropy on these questions is the model's at the board's own;
    between two of the grid it is taken to lie on a straight line. None where entropies are not known."""
    wanted = model.entropy(tasks, model.own_temperature)
    known = [(base.entropy(tasks, one), one) for one in base.temperatures(tasks)]
    points = [(entropy, one) for entropy, one in known if entropy is not None]
    if wanted is None or len(points) < len(known):
        return None
    if wanted >= points[-1][0]:
        return points[-1][1]
    for (low, cooler), (high, warmer) in pairwise(points):
        if low <= wanted <= high:
            return cooler + (warmer - cooler) * ((wanted - low) / (high - low) if high > low else 0.0)
    return points[0][1]


def _parts(
    group: Sequence[Curve], base: Curve, certain: Sequence[float | None], tasks: Sequence[str]
) -> dict[str, Difference]:
    """The gain at the board's temperature as a sum of three, question by question.

    Sharpening: from the base as it is to the base as certain as the model. Format: what that base would gain if as many
    of its answers could be read as of the model's, and those were right as often as the others. Rest: all else.
    """
    if any((base.own.headline(task) or "").startswith("released_") for task in tasks):
        return {}  # what the published rules cannot read is not what the answers are told to be unreadable by
    seeds: dict[str, list[Suite]] = {"format": [], "sharpening": [], "rest": []}
    for model, temperature in zip(group, certain, strict=True):
        if temperature is None:
            return {}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in seeds}
        for task in tasks:
            plain = base.values(task, base.own_temperature)
            cooled, cooled_failing = _between(base, task, temperature)
            trained, failing = (
                model.values(task, model.own_temperature),
                model.failing(task, model.own_temperature),
            )
            if not plain.keys() == cooled.keys() == trained.keys() == failing.keys() == cooled_failing.keys():
                return {}
            readable = 1 - sum(cooled_failing.values()) / len(cooled_failing)
            right_if_read = sum(cooled.values()) / len(cooled) / readable if readable else 0.0
            format_ = {name: (cooled_failing[name] - failing[name]) * right_if_read for name in plain}
            sharpening = {name: cooled[name] - plain[name] for name in plain}
            rest = {name: trained[name] - cooled[name] - format_[name] for name in plain}
            for name, values in (("format", format_), ("sharpening", sharpening), ("rest", rest)):
                found[name].append(values)
        for name in seeds:
            seeds[name].append(found[name])
    nothing: Suite = [dict.fromkeys(task, 0.0) for task in seeds["rest"][0]]
    return {name: suite_difference(suites, [nothing]) for name, suites in seeds.items()}


def _between(base: Curve, task: str, temperature: float) -> tuple[dict[str, float], dict[str, float]]:
    """What the base would score, and how many of its answers would not be readable, at a temperature of its grid or
    between two: the mean of both, weighted by nearness. (Question → share.)"""
    grid = base.temperatures([task])
    cooler = max((one for one in grid if one <= temperature), default=grid[0])
    warmer = min((one for one in grid if one >= temperature), default=grid[-1])
    weight = (temperature - cooler) / (warmer - cooler) if warmer > cooler else 0.0
    low, high = base.values(task, cooler), base.values(task, warmer)
    failing = (base.failing(task, cooler), base.failing(task, warmer))
    if not low.keys() == high.keys() == failing[0].keys() == failing[1].keys():
        return {}, {}
    return _mixed(low, high, weight), _mixed(*failing, weight)


def _mixed(low: ItemValues, high: ItemValues, weight: float) -> dict[str, float]:
    return {name: (1 - weight) * low[name] + weight * high[name] for name in low}
