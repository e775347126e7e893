"""Win rates over questions, with their 95 % intervals. The unit of chance is the question."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from genius_bench.judging.judged import Judged
from genius_bench.statistics import CONFIDENCE


class WinRate(NamedTuple):
    """A share between 0 and 1 (or a mark, 1 to 10) with its 95 % interval over `n` questions.

    `note` says what the number cannot tell ("" when nothing is amiss). Without one verdict the value is NaN and the
    interval [0, 1].
    """

    value: float
    low: float
    high: float
    n: int
    note: str = ""


NO_VERDICT = WinRate(math.nan, 0.0, 1.0, 0, "no verdict at all")


def win_rate(judged: Sequence[Judged], *, weighted: bool) -> WinRate:
    """The share of wins over the questions that have a verdict, ties half.

    `weighted`: every verdict counts by its weight (3 for a clear win), as in Arena-Hard. Its Bradley–Terry fit of two
    players has one free number, the log-odds of winning, whose maximum-likelihood value is the log-odds of this
    weighted share: with two players the fit and the share are the same. Otherwise every question counts once.

    The interval is Wilson's at the number of independent wins and losses that the spread between questions shows,
    with Student's t: it never leaves [0, 1] and has no width zero. Where all values are equal there is no spread to
    see, and the effective number of questions (Kish) is taken.
    """
    values, weights = _verdicts(judged, weighted)
    n = len(values)
    if n == 0:
        return NO_VERDICT
    total = math.fsum(weights)
    mean = math.fsum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    mean = min(max(mean, 0.0), 1.0)
    spread = math.fsum((weight * (value - mean)) ** 2 for weight, value in zip(weights, values, strict=True))
    if spread < 1e-12 * total**2 or n == 1:
        effective = total**2 / math.fsum(weight**2 for weight in weights)
    else:
        effective = mean * (1 - mean) / (spread / total**2 * n / (n - 1))
    low, high = _wilson(mean, effective, n)
    return WinRate(mean, low, high, n, _note(values))


def _wilson(mean: float, effective: float, n: int) -> tuple[float, float]:
    from scipy import stats

    quantile = 0.5 + CONFIDENCE / 2
    width = float(stats.t.ppf(quantile, n - 1) if n > 1 else stats.norm.ppf(quantile))
    scale = 1 + width**2 / effective
    centre = (mean + width**2 / (2 * effective)) / scale
    half = width * math.sqrt(mean * (1 - mean) / effective + width**2 / (4 * effective**2)) / scale
    return min(max(0.0, centre - half), mean), max(min(1.0, centre + half), mean)


def _verdicts(judged: Sequence[Judged], weighted: bool) -> tuple[list[float], list[float]]:
    kept = [one for one in judged if one.value is not None]
    values = [float(one.value) for one in kept if one.value is not None]
    return values, [one.weight if weighted else 1.0 for one in kept]


def _note(values: list[float]) -> str:
    if len(values) == 1:
        return "one question only"
    if set(values) <= {0.0} or set(values) <= {1.0}:
        return "every verdict went the same way"
    return ""
