"""How certain a number is: intervals, paired comparisons, correction for many comparisons.

The unit of chance is the question: several answers to one question are not independent, so everything here works on
one value per question (the share of its answers that were right, between 0 and 1).
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CONFIDENCE = 0.95


Suite = Sequence[Mapping[str, float]]
"""Of every task the questions' values."""


class Estimate(NamedTuple):
    """A share and its 95 % interval, between 0 and 1."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two shares (a − b), its 95 % interval, and the p-value of "there is none"."""

    difference: float
    low: float
    high: float
    p_value: float


def share(values: Sequence[float], answers_per_item: int = 1) -> Estimate:
    """The mean of per-question values with its interval.

    With one answer a question this is Wilson's interval. With several it is Wilson's at the effective number of
    independent answers that the spread between questions shows, so it stays inside [0, 1] and never has width zero.
    """
    from scipy import stats

    n = len(values)
    mean = math.fsum(values) / n
    variance_of_mean = math.fsum((value - mean) ** 2 for value in values) / n**2
    if variance_of_mean == 0 or mean in (0.0, 1.0):
        effective = float(n)
    else:
        effective = min(mean * (1 - mean) / variance_of_mean, float(n * answers_per_item))
    clustered = answers_per_item > 1 and n > 1
    quantile = 0.5 + CONFIDENCE / 2
    width = float(stats.t.ppf(quantile, n - 1) if clustered else stats.norm.ppf(quantile))
    centre = (mean + width**2 / (2 * effective)) / (1 + width**2 / effective)
    half = (
        width
        * math.sqrt(mean * (1 - mean) / effective + width**2 / (4 * effective**2))
        / (1 + width**2 / effective)
    )
    return Estimate(mean, min(max(0.0, centre - half), mean), max(min(1.0, centre + half), mean))


def paired_difference(a: Mapping[str, float], b: Mapping[str, float]) -> Difference:
    """Checkpoint a minus checkpoint b on the same questions: a paired t-test over questions.

    Raises `ValueError` when the two were not asked the same questions.
    """
    from scipy import stats

    gaps = _gaps(a, b)
    n = len(gaps)
    mean, error = _mean_and_error(gaps)
    if error == 0:
        return _without_spread(mean, n)
    width = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - width, mean + width, p_value)


POWER = 0.8


def detectable_difference(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """The smallest true difference that a paired test of this size finds in four of five attempts (two-sided, 5 %).

    From the spread that these answers show, so for the number of samples that was drawn. Raises `ValueError` when the
    two were not asked the same questions.
    """
    from scipy import stats

    gaps = _gaps(a, b)
    _, error = _mean_and_error(gaps)
    freedom = max(len(gaps) - 1, 1)
    return float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom) + stats.t.ppf(POWER, freedom)) * error


def detectable_suite_difference(tasks: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> float:
    """The same of the unweighted mean over tasks (see `suite_difference`)."""
    from scipy import stats

    errors = [_mean_and_error(_gaps(a, b))[1] for a, b in tasks]
    error = math.sqrt(math.fsum(one**2 for one in errors)) / len(errors)
    return float(stats.norm.ppf(0.5 + CONFIDENCE / 2) + stats.norm.ppf(POWER)) * error


def suite_average(tasks: Sequence[Sequence[float]]) -> Estimate:
    """The unweighted mean over tasks of their means; questions are independent within a task, tasks are fixed.

    A task whose questions all have one value shows no spread; its part of the error is then that of `share`, so that
    three wrong answers of three do not pass for certainty.
    """
    from scipy import stats

    quantile = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
    parts = [_mean_and_error(values) for values in tasks]
    errors = [
        error or (share(values).high - share(values).low) / 2 / quantile
        for values, (_, error) in zip(tasks, parts, strict=True)
    ]
    mean = math.fsum(value for value, _ in parts) / len(parts)
    width = quantile * math.sqrt(math.fsum(error**2 for error in errors)) / len(parts)
    return Estimate(mean, max(0.0, mean - width), min(1.0, mean + width))


def suite_difference(tasks: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> Difference:
    """The unweighted mean over tasks of the paired differences (a, b)."""
    from scipy import stats

    parts = [_mean_and_error(_gaps(a, b)) for a, b in tasks]
    mean = math.fsum(value for value, _ in parts) / len(parts)
    error = math.sqrt(math.fsum(spread**2 for _, spread in parts)) / len(parts)
    if error == 0:
        return _without_spread(mean, max(len(a) for a, _ in tasks))
    width = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * error
    return Difference(mean, mean - width, mean + width, float(2 * stats.norm.sf(abs(mean) / error)))


def widened(difference: Difference, error: float) -> Difference:
    """With one more independent source of chance, whose standard error is `error`."""
    from scipy import stats

    quantile = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
    half = (difference.high - difference.low) / 2
    if error == 0:
        return difference
    half = math.hypot(half, quantile * error)
    mean = difference.difference
    return Difference(mean, mean - half, mean + half, float(2 * stats.norm.sf(abs(mean) / half * quantile)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm): reject those below 0.05 and one in twenty families errs."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _gaps(a: Mapping[str, float], b: Mapping[str, float]) -> list[float]:
    if not a or a.keys() != b.keys():
        raise ValueError(f"the two were not asked the same questions ({len(a)} and {len(b)})")
    return [a[name] - b[name] for name in a]


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; zero error for a single value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def seeds_average(seeds: Sequence[Suite]) -> Estimate:
    """A suite's average over training seeds (interval: `seed_spread.py`)."""
    from genius_bench.seed_spread import half_width, over_seeds

    found = over_seeds([_arrays(seeds, seeds[0])])
    mean, width = float(found.mean), float(half_width(found, 1 - CONFIDENCE))
    return Estimate(mean, max(0.0, mean - width), min(1.0, mean + width))


def seeds_difference(a: Sequence[Suite], b: Sequence[Suite]) -> Difference:
    """a − b of a suite's averages, each over its own training seeds; a base has one seed, and no spread over them.

    Paired by question, never by seed: seed 0 of one method has nothing in common with seed 0 of another. Raises
    `ValueError` where the two were not asked the same questions.
    """
    from genius_bench.seed_spread import half_width, over_seeds, p_value

    found = over_seeds([_arrays(a, a[0]), _arrays(b, a[0])])
    mean, width = float(found.mean), float(half_width(found, 1 - CONFIDENCE))
    if width == 0:
        return _without_spread(mean, max(len(task) for task in a[0]))
    return Difference(mean, mean - width, mean + width, p_value(found))


def _arrays(seeds: Sequence[Suite], asked: Suite) -> "list[npt.NDArray[np.float64]]":
    """Of every task the values, seeds × questions. Raises `ValueError` where seeds were asked other questions."""
    import numpy as np

    if any(
        one[task].keys() != first.keys() or not first for one in seeds for task, first in enumerate(asked)
    ):
        raise ValueError("not all seeds were asked the same questions")
    return [np.array([[one[t][name] for name in first] for one in seeds]) for t, first in enumerate(asked)]


def _without_spread(mean: float, questions: int) -> Difference:
    """Every question moved by the same amount: a sign test, since a t-test would be infinitely sure."""
    if questions < 2:
        return Difference(mean, -1.0, 1.0, 1.0)
    return Difference(mean, mean, mean, 1.0 if mean == 0 else min(1.0, 2.0 ** (1 - questions)))
