"""Intervals over two, three and five training seeds cover as often as they say, whether seeds differ or not."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.seed_intervals import simulate
from genius_bench.seed_spread import half_width, over_seeds, p_value
from genius_bench.statistics import suite_average, suite_difference

SPREADS = (0.0, 0.1, 0.2, 0.4, 0.8)
"""Standard deviations of the seeds' skill, in logits."""


@pytest.mark.parametrize(("seeds", "low", "high"), [(2, 0.915, 0.985), (3, 0.93, 0.975), (5, 0.93, 0.975)])
def test_intervals_cover_for_every_spread_of_seeds(seeds: int, low: float, high: float) -> None:
    """Two seeds cannot do better: an interval that is never shorter than that of the questions alone, and rests on one
    degree of freedom, is too long where seeds are equal or too short where they differ as much as their noise."""
    rng = np.random.default_rng(seeds)
    found = [
        simulate(seeds, questions, spread, experiments=experiments, rng=rng)
        for spread in SPREADS
        for questions, experiments in ((200, 2500), (2000, 400))
    ]
    large, small = [one.coverage for one in found[::2]], [one.coverage for one in found[1::2]]
    assert low <= min(large)
    assert max(large) <= high
    assert low - 0.02 <= min(small)


def test_equal_seeds_cost_nothing_but_the_questions() -> None:
    """Where seeds differ no more than their answers' chance, five of them are a better measurement, not a worse one."""
    rng = np.random.default_rng(4)
    one = simulate(5, 500, 0.0, experiments=300, rng=rng)
    assert one.width < one.old_width


def test_of_many_questions_only_the_seeds_are_left() -> None:
    """Student's t over the seeds' means, from scipy."""
    means = np.array([0.52, 0.61, 0.58])
    values = np.repeat(means[:, None], 4000, axis=1)
    found = over_seeds([[values]])
    wanted = stats.ttest_1samp(means, 0.5)
    interval = wanted.confidence_interval()
    assert half_width(found, 0.05) == pytest.approx((interval.high - interval.low) / 2)
    assert p_value(found._replace(mean=found.mean - 0.5)) == pytest.approx(wanted.pvalue)


def test_the_interval_by_hand() -> None:
    """Two seeds, four questions; the legs are 3.182 standard errors of the questions and 12.706 of the seeds."""
    seeds = [
        [dict(zip("abcd", values, strict=True))] for values in ([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0])
    ]
    of_questions = np.std([0.5, 0.5, 0.5, 0.0], ddof=1) / 2
    of_seeds = np.std([0.0, 0.75], ddof=1) / np.sqrt(2)
    wanted = np.hypot(stats.t.ppf(0.975, 3) * of_questions, stats.t.ppf(0.975, 1) * of_seeds)
    found = over_seeds([[np.array([list(one[0].values()) for one in seeds])]])
    assert half_width(found, 0.05) == pytest.approx(wanted)
    assert (suite_average(seeds).low, suite_average(seeds).high) == (0.0, 1.0)


def test_a_p_value_and_its_interval_say_the_same() -> None:
    rng = np.random.default_rng(3)
    for effect in (0.0, 0.1, 0.3):
        a, b = rng.random((3, 60)) < 0.5 + effect, rng.random((2, 60)) < 0.5
        spread = over_seeds([[a.astype(np.float64)], [b.astype(np.float64)]])
        assert half_width(spread, p_value(spread)) == pytest.approx(abs(float(spread.mean)), rel=1e-6)
        mine, theirs = ([[{str(i): float(x) for i, x in enumerate(row)}] for row in side] for side in (a, b))
        found = suite_difference(mine, theirs)
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_one_seed_each_is_the_paired_test() -> None:
    rng = np.random.default_rng(5)
    a, b = ((rng.random((1, 40)) < chance).astype(np.float64) for chance in (0.7, 0.5))
    spread = over_seeds([[a], [b]])
    assert p_value(spread) == pytest.approx(stats.ttest_rel(a[0], b[0]).pvalue)
