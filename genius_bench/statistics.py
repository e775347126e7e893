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

    from genius_bench.seed_spread import Spread

CONFIDENCE = 0.95
POWER = 0.8
"""How often a difference of the size that is called detectable is found."""

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
    from scipy.special import ndtri, stdtrit  # all of scipy.stats takes a second to import

    n = len(values)
    mean = math.fsum(values) / n
    variance_of_mean = math.fsum((value - mean) ** 2 for value in values) / n**2
    if variance_of_mean == 0 or mean in (0.0, 1.0):
        effective = float(n)
    else:
        effective = min(mean * (1 - mean) / variance_of_mean, float(n * answers_per_item))
    clustered = answers_per_item > 1 and n > 1
    quantile = 0.5 + CONFIDENCE / 2
    width = float(stdtrit(n - 1, quantile) if clustered else ndtri(quantile))
    centre = (mean + width**2 / (2 * effective)) / (1 + width**2 / effective)
    half = (
        width
        * math.sqrt(mean * (1 - mean) / effective + width**2 / (4 * effective**2))
        / (1 + width**2 / effective)
    )
    return Estimate(mean, min(max(0.0, centre - half), mean), max(min(1.0, centre + half), mean))


def paired_difference(a: Mapping[str, float], b: Mapping[str, float]) -> Difference:
    """Checkpoint a minus checkpoint b on the questions of one task: a paired t-test over questions.

    Raises `ValueError` when the two were not asked the same questions.
    """
    return suite_difference([[a]], [[b]])


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm): reject those below 0.05 and one in twenty families errs."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def suite_average(seeds: Sequence[Suite]) -> Estimate:
    """The unweighted mean over tasks of their means, over the training seeds that are given (one is enough).

    Questions are independent within a task, tasks are fixed; `seed_spread.py` says what seeds add. A task whose
    questions all have one value shows no spread; its part of the error is then that of `share`, so that three wrong
    answers of three do not pass for certainty. Raises `ValueError` where seeds were asked other questions.
    """
    import numpy as np

    from genius_bench.seed_spread import half_width, over_seeds

    tasks = _arrays(seeds, seeds[0])
    found = over_seeds([tasks])
    shares = [share(task.mean(0).tolist()) for task in tasks if np.ptp(task.mean(0)) == 0]
    unseen = [(one.high - one.low) / 2 / len(tasks) for one in shares]
    width = math.hypot(float(half_width(found, 1 - CONFIDENCE)), *unseen)
    mean = float(found.mean)
    return Estimate(mean, max(0.0, mean - width), min(1.0, mean + width))


def suite_difference(a: Sequence[Suite], b: Sequence[Suite], luck: float = 0.0) -> Difference:
    """a − b of a suite's averages, each over its own training seeds; a base has one seed, and no spread over them.

    Paired by question, never by seed: seed 0 of one method has nothing in common with seed 0 of another. `luck` is the
    standard error of one more source of chance. Raises `ValueError` where the two were not asked the same questions.
    """
    from genius_bench.seed_spread import half_width, p_value

    found = _spread_of(a, b, luck)
    mean, width = float(found.mean), float(half_width(found, 1 - CONFIDENCE))
    if width == 0:
        return _without_spread(mean, sum(map(len, a[0])))
    return Difference(mean, mean - width, mean + width, p_value(found))


def detectable_difference(a: Sequence[Suite], b: Sequence[Suite], luck: float = 0.0) -> float:
    """The smallest true difference that `suite_difference` finds in four of five attempts (two-sided, 5 %).

    From the spread that these answers show, so for the number of samples that was drawn.
    """
    from genius_bench.seed_spread import half_width

    found = _spread_of(a, b, luck)
    width = float(half_width(found, 1 - CONFIDENCE) + half_width(found, 2 * (1 - POWER)))
    return width or _unseen(sum(map(len, a[0])))


def _spread_of(a: Sequence[Suite], b: Sequence[Suite], luck: float) -> "Spread":
    from genius_bench.seed_spread import over_seeds

    found = over_seeds([_arrays(a, a[0]), _arrays(b, a[0])])
    return found._replace(questions=found.questions + luck**2)


def _arrays(seeds: Sequence[Suite], asked: Suite) -> "list[npt.NDArray[np.float64]]":
    """Of every task the values, seeds × questions. Raises `ValueError` where seeds were asked other questions."""
    import numpy as np

    if any(
        one[task].keys() != first.keys() or not first for one in seeds for task, first in enumerate(asked)
    ):
        raise ValueError("not all seeds were asked the same questions")
    return [np.array([[one[t][name] for name in first] for one in seeds]) for t, first in enumerate(asked)]


def _without_spread(mean: float, questions: int) -> Difference:
    """Every question moved by the same amount: a sign test, since a t-test would be infinitely sure, and an interval of
    what so many questions would not have shown."""
    if questions < 2:
        return Difference(mean, -1.0, 1.0, 1.0)
    p_value = 1.0 if mean == 0 else min(1.0, 2.0 ** (1 - questions))
    return Difference(
        mean, max(-1.0, mean - _unseen(questions)), min(1.0, mean + _unseen(questions)), p_value
    )


def _unseen(questions: int) -> float:
    """The largest share of questions that may behave otherwise where none of so many did (95 %; about 3/n)."""
    return float(1 - (1 - CONFIDENCE) ** (1 / questions))
