"""Win rates: the share, its interval by simulation, and everything that could crash."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from genius_bench.judging.comparison import EXCHANGED, VERDICTS
from genius_bench.judging.judged import Judged
from genius_bench.judging.win_rate import win_rate
from tests.judging.cases import judged

LIST = [*VERDICTS]
PROFILES = {
    "fair": (0.2, 0.2, 0.2, 0.2, 0.2),
    "few ties": (0.3, 0.25, 0.02, 0.25, 0.18),
    "mostly ties": (0.05, 0.1, 0.7, 0.1, 0.05),
    "good": (0.5, 0.3, 0.1, 0.07, 0.03),
}


def from_verdicts(first: str, second: str) -> Judged:
    """A question's record, as `compare` makes it."""
    games = [VERDICTS[first], VERDICTS[EXCHANGED[second]]]
    weight = sum(weight for _, weight in games)
    return judged(sum(share * weight for share, weight in games) / weight, weight, (first, second))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("n", [100, 500])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_interval_covers_the_truth(profile: str, n: int, weighted: bool) -> None:
    """Questions differ: one verdict is drawn for the question, and the second order repeats it half of the time.

    With 30 questions and a win rate of 90 % in clear verdicts, the interval covers 92.5 %.
    """
    generator = np.random.default_rng(7)
    chances = np.array(PROFILES[profile])
    tables = [[from_verdicts(a, EXCHANGED[b]) for b in LIST] for a in LIST]
    joint = 0.5 * np.diag(chances) + 0.5 * np.outer(chances, chances)
    cells = [one for row in tables for one in row]
    p = joint.ravel()
    weights = np.array([one.weight if weighted else 1.0 for one in cells])
    values = np.array([one.value for one in cells])
    truth = (p * weights * values).sum() / (p * weights).sum()
    covered = 0
    trials = 1500
    for _ in range(trials):
        sample = [cells[index] for index in generator.choice(len(cells), size=n, p=p)]
        found = win_rate(sample, weighted=weighted)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / trials <= 0.97


@pytest.mark.parametrize("seed", range(5))
def test_the_weighted_share_is_the_bradley_terry_fit(seed: int) -> None:
    """Two players, strong verdicts as three games, a tie as half a game each way."""
    generator = np.random.default_rng(seed)
    pairs = generator.choice(LIST, size=(80, 2), p=PROFILES["few ties"])
    sample = [from_verdicts(first, second) for first, second in pairs]
    games = [VERDICTS[v] for first, second in pairs for v in (first, EXCHANGED[second])]
    wins = np.repeat([1, 0], len(games))
    weights = [share * weight for share, weight in games] + [(1 - share) * weight for share, weight in games]
    fit = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-12, max_iter=1000)
    fit.fit(np.ones((2 * len(games), 1)), wins, sample_weight=weights)
    strength = float(fit.coef_[0, 0])
    assert win_rate(sample, weighted=True).value == pytest.approx(1 / (1 + math.exp(-strength)), abs=1e-6)


@given(
    st.lists(st.tuples(st.none() | st.floats(0, 1), st.sampled_from([1.0, 2.0, 3.0, 4.0, 6.0])), max_size=30),
    st.booleans(),
)
def test_nothing_crashes_and_the_interval_holds_the_value(
    rows: list[tuple[float | None, float]], weighted: bool
) -> None:
    found = win_rate([judged(value, weight) for value, weight in rows], weighted=weighted)
    assert 0 <= found.low < found.high <= 1
    assert found.n == sum(value is not None for value, _ in rows)
    assert math.isnan(found.value) if found.n == 0 else found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("values", "value", "note"),
    [
        ([], math.nan, "no verdict at all"),
        ([None, None], math.nan, "no verdict at all"),
        ([1.0] * 12, 1.0, "every verdict went the same way"),
        ([0.0] * 12, 0.0, "every verdict went the same way"),
        ([1.0, None], 1.0, "one question only"),
        ([0.5] * 12, 0.5, ""),
        ([0.5, 0.5, 1.0], 2 / 3, ""),
    ],
)
def test_degenerate_cases_are_reported(values: list[float | None], value: float, note: str) -> None:
    found = win_rate([judged(one, 3.0) for one in values], weighted=True)
    assert found.value == pytest.approx(value, nan_ok=True)
    assert found.note == note
    assert found.low < found.high


def test_strong_verdicts_count_three_times() -> None:
    sample = [judged(1.0, 3.0), judged(0.0, 1.0)]
    assert win_rate(sample, weighted=True).value == 0.75
    assert win_rate(sample, weighted=False).value == 0.5
