"""Intervals cover as often as they say, tests err as often as they say: simulated."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from genius_bench.statistics import (
    detectable_difference,
    holm,
    paired_difference,
    share,
    suite_average,
    suite_difference,
)

RUNS = 1500


def draw(rng: np.random.Generator, questions: int, answers: int, mean: float, spread: float) -> np.ndarray:
    """Shares of right answers of questions whose own difficulty varies (beta distributed)."""
    difficulty = rng.beta(mean * spread, (1 - mean) * spread, questions)
    return rng.binomial(answers, difficulty) / answers


def _named(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    return {str(number): float(value) for number, value in enumerate(values)}


def test_one_answer_a_question_is_wilson() -> None:
    for right, n in [(0, 30), (3, 30), (17, 200), (30, 30), (1319, 1319)]:
        found = share([1.0] * right + [0.0] * (n - right))
        expected = stats.binomtest(right, n).proportion_ci(method="wilson")
        assert found.value == right / n
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(
    ("questions", "answers", "mean"), [(200, 1, 0.5), (200, 4, 0.6), (100, 4, 0.1), (30, 8, 0.3)]
)
def test_coverage(questions: int, answers: int, mean: float) -> None:
    rng = np.random.default_rng(questions + answers)
    hits = 0
    for _ in range(RUNS):
        found = share(draw(rng, questions, answers, mean, spread=1.5).tolist(), answers)
        hits += found.low <= mean <= found.high
    assert 0.93 <= hits / RUNS <= 0.97


def test_false_positives_and_power_of_the_paired_test() -> None:
    rng = np.random.default_rng(3)
    false, true = 0, 0
    for _ in range(RUNS):
        difficulty = rng.beta(1, 1, 200)
        a, b = rng.binomial(4, difficulty) / 4, rng.binomial(4, difficulty) / 4
        better = rng.binomial(4, np.minimum(1, difficulty + 0.1)) / 4
        names = [str(number) for number in range(200)]
        false += (
            paired_difference(dict(zip(names, a, strict=True)), dict(zip(names, b, strict=True))).p_value
            < 0.05
        )
        true += (
            paired_difference(dict(zip(names, better, strict=True)), dict(zip(names, b, strict=True))).p_value
            < 0.05
        )
    assert 0.03 <= false / RUNS <= 0.07
    assert true / RUNS > 0.9


def test_paired_difference_by_hand() -> None:
    a = {"q1": 1.0, "q2": 1.0, "q3": 0.0, "q4": 1.0}
    b = {"q1": 0.0, "q2": 1.0, "q3": 0.0, "q4": 0.0}
    found = paired_difference(a, b)
    expected = stats.ttest_rel(list(a.values()), list(b.values()))
    interval = expected.confidence_interval()
    assert found.difference == 0.5
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    mirrored = paired_difference(b, a)
    assert (mirrored.difference, mirrored.p_value) == (-0.5, found.p_value)


def test_paired_difference_at_the_edges() -> None:
    same = {"q1": 1.0, "q2": 0.0}
    assert paired_difference(same, same).p_value == 1
    names = [str(number) for number in range(50)]
    assert paired_difference(dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.0)).p_value < 1e-9
    assert paired_difference({"q": 1.0}, {"q": 0.0}).p_value == 1
    with pytest.raises(ValueError, match="same questions"):
        paired_difference(same, {"q1": 1.0})


def test_suites_average_tasks_and_not_questions() -> None:
    small, large = [1.0, 0.0], [1.0] * 300 + [0.0] * 100
    assert suite_average([[_named(task) for task in (small, large)]]).value == pytest.approx((0.5 + 0.75) / 2)
    rng = np.random.default_rng(5)
    false = 0
    for _ in range(RUNS):
        tasks = []
        for questions in (60, 150):
            difficulty = rng.beta(1, 1, questions)
            a, b = rng.binomial(4, difficulty) / 4, rng.binomial(4, difficulty) / 4
            tasks.append((_named(a), _named(b)))
        mine, theirs = zip(*tasks, strict=True)
        false += suite_difference([mine], [theirs]).p_value < 0.05
    assert 0.03 <= false / RUNS <= 0.07


def test_a_suites_variance_is_that_of_a_mean_of_independent_tasks() -> None:
    """Var(Σ mean_t / T) = Σ Var(mean_t) / T²: with T tasks alike the interval is √T times narrower than one task's."""
    rng = np.random.default_rng(7)
    tasks = [draw(rng, 400, 4, 0.5, spread=1.5) for _ in range(4)]
    zeros = [np.zeros(400)] * 4
    expected = 2 * 1.959964 * math.sqrt(sum(task.var(ddof=1) / 400 for task in tasks)) / 4
    named = [[_named(task) for task in side] for side in (tasks, zeros)]
    for found in (
        suite_average([named[0]]),
        suite_difference([named[0]], [named[1]]),
    ):
        assert found.high - found.low == pytest.approx(expected, rel=0.01)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    values = [random.Random(1).random() for _ in range(20)]
    assert all(corrected >= value for corrected, value in zip(holm(values), values, strict=True))


def test_where_no_question_moved_a_few_of_others_may() -> None:
    """None of n: the exact (Clopper-Pearson) bound of one side, n√0.05, is what they may move by."""
    same = dict.fromkeys(map(str, range(100)), 0.5)
    found = suite_difference([[same, same]], [[same, same]])
    bound = stats.binomtest(0, 200, alternative="less").proportion_ci(0.95).high
    assert found == pytest.approx((0.0, -bound, bound, 1.0))
    assert detectable_difference([[same, same]], [[same, same]]) == pytest.approx(bound)


def test_an_average_without_spread_is_not_certain() -> None:
    alone = share([0.0] * 3)
    found = suite_average([[dict.fromkeys("abc", 0.0)] * 2])
    assert found.value == 0
    assert 0.5 * (alone.high - alone.low) / 2**0.5 == pytest.approx(found.high, rel=0.05)
