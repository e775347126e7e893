"""Length control: a judge that loves length is seen through, one that loves quality is not."""

import gzip
import json
import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import special, stats
from scipy.optimize import minimize

from genius_bench.judging import length_control
from genius_bench.judging.length_control import length_controlled_win_rate
from genius_bench.judging.win_rate import win_rate
from tests.evaluation.real_data import FOLDER
from tests.judging.cases import judged

PUBLISHED = FOLDER / "alpaca_eval" / "published_judgements.jsonl.gz"
Lengths = list[tuple[int, int]]


def answers(generator: np.random.Generator, n: int, longer: float = 300.0) -> Lengths:
    """The answers under test are longer by `longer` characters on average."""
    base = generator.integers(200, 2000, n)
    extra = generator.normal(longer, 400, n).astype(int)
    return [(int(max(1, length + more)), int(length)) for length, more in zip(base, extra, strict=True)]


def verdicts(
    generator: np.random.Generator, lengths: Lengths, quality: float, love_of_length: float
) -> list[float]:
    """What a judge says for whom quality (log-odds) and length count; the answers' true difference is `quality`."""
    gaps = np.array([answer - baseline for answer, baseline in lengths])
    chance = 1 / (1 + np.exp(-(quality + love_of_length * np.tanh(gaps / gaps.std(ddof=1)))))
    return [float(value) for value in generator.binomial(2, chance) / 2]


@pytest.mark.parametrize("love_of_length", [0.5, 2.0, 6.0])
def test_a_judge_that_only_loves_length(love_of_length: float) -> None:
    generator = np.random.default_rng(1)
    lengths = answers(generator, 805)
    sample = [judged(value) for value in verdicts(generator, lengths, 0.0, love_of_length)]
    raw, controlled = win_rate(sample, weighted=False), length_controlled_win_rate(sample, lengths)
    assert raw.value > 0.5 + 0.05 * min(love_of_length, 3)
    assert raw.low > 0.5
    assert controlled.value == pytest.approx(0.5, abs=0.05)
    assert controlled.low < 0.5 < controlled.high


def test_a_judge_that_takes_the_longer_answer_always() -> None:
    """Beyond what the prior takes for possible: most of the seeming gain of 0.25 goes, not all of it."""
    generator = np.random.default_rng(2)
    lengths = answers(generator, 805)
    sample = [judged(float(answer > baseline)) for answer, baseline in lengths]
    controlled = length_controlled_win_rate(sample, lengths)
    assert win_rate(sample, weighted=False).value > 0.7
    assert controlled.value == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("longer", [-300.0, 0.0, 300.0])
def test_equal_quality_is_a_half(longer: float) -> None:
    generator = np.random.default_rng(3)
    lengths = answers(generator, 805, longer)
    sample = [judged(value) for value in verdicts(generator, lengths, 0.0, 0.0)]
    assert length_controlled_win_rate(sample, lengths).value == pytest.approx(0.5, abs=0.05)


def test_better_answers_win_more() -> None:
    generator = np.random.default_rng(4)
    lengths = answers(generator, 805)
    found = [
        length_controlled_win_rate(
            [judged(value) for value in verdicts(generator, lengths, quality, 1.5)], lengths
        ).value
        for quality in (-2.0, -1.0, 0.0, 1.0, 2.0)
    ]
    assert all(low < high for low, high in pairwise(found))
    truth = [1 / (1 + math.exp(-quality)) for quality in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    assert found == pytest.approx(truth, abs=0.05)


def test_exchanging_the_models_mirrors_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the difficulty that the baseline's length gives away, which belongs to the baseline alone."""
    monkeypatch.setattr(length_control, "BASELINE_LENGTH", 0.0)
    generator = np.random.default_rng(5)
    lengths = answers(generator, 200)
    values = verdicts(generator, lengths, 0.7, 1.0)
    there = length_controlled_win_rate([judged(value) for value in values], lengths)
    back = length_controlled_win_rate(
        [judged(1 - value) for value in values], [(baseline, answer) for answer, baseline in lengths]
    )
    assert there.value == pytest.approx(1 - back.value, abs=1e-6)
    assert (there.low, there.high) == pytest.approx((1 - back.high, 1 - back.low), abs=1e-5)


@pytest.mark.parametrize("love_of_length", [0.0, 3.0, 50.0])
def test_the_fit_is_that_of_a_general_optimiser(love_of_length: float) -> None:
    """Written anew: quadrature by scipy, no gradients, the prior from `scipy.stats`."""
    generator = np.random.default_rng(6)
    lengths = answers(generator, 80)
    values = np.array(verdicts(generator, lengths, 0.5, love_of_length))
    gaps = np.array([answer - baseline for answer, baseline in lengths])
    longer = np.tanh(gaps / gaps.std(ddof=1))
    easier = -0.6 * stats.zscore(np.log1p([baseline for _, baseline in lengths]), ddof=1)
    grid = np.linspace(-6, 6, 241)
    weights = stats.norm.pdf(grid) / stats.norm.pdf(grid).sum()

    def chance(odds: np.ndarray) -> np.ndarray:
        return np.asarray(special.expit(odds[:, None] + 1.75 * grid) @ weights)

    def loss(beta: np.ndarray) -> float:
        wins = chance(beta[0] + beta[1] * longer + easier)
        prior = stats.logistic.logpdf(beta[1], 1.7, 0.35 * np.sqrt(3) / np.pi)
        return float(-(special.xlogy(values, wins) + special.xlogy(1 - values, 1 - wins)).sum() - prior)

    best = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x
    found = length_controlled_win_rate([judged(float(value)) for value in values], lengths)
    assert found.value == pytest.approx(chance(best[0] + easier).mean(), abs=1e-4)


def test_the_interval_is_that_of_the_jackknife() -> None:
    """Every question left out once, the rate fitted anew: Tukey's standard error of the logit."""
    generator = np.random.default_rng(7)
    lengths = answers(generator, 150)
    sample = [judged(value) for value in verdicts(generator, lengths, -0.4, 1.0)]
    without = [
        length_controlled_win_rate(sample[:i] + sample[i + 1 :], lengths[:i] + lengths[i + 1 :]).value
        for i in range(150)
    ]
    logits = special.logit(without)
    error = np.sqrt(149 / 150 * np.sum((logits - logits.mean()) ** 2))
    found = length_controlled_win_rate(sample, lengths)
    width = (special.logit(found.high) - special.logit(found.low)) / 2
    assert width == pytest.approx(stats.t.ppf(0.975, 149) * error, rel=0.03)


@pytest.mark.realdata
@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"no published judgements at {PUBLISHED}")
def test_published_rates_are_met() -> None:
    """Judgements of AlpacaEval 2's board replayed: its plain rates, and its length-controlled ones within a point."""
    off, published, inside = [], [], 0
    with gzip.open(PUBLISHED, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        sample = [judged(value) for value in row["preference"]]
        assert 100 * win_rate(sample, weighted=False).value == pytest.approx(row["win_rate"], abs=0.01)
        lengths = list(zip(row["length"], row["baseline_length"], strict=True))
        found = length_controlled_win_rate(sample, lengths)
        published.append(row["length_controlled_win_rate"])
        off.append(100 * found.value - published[-1])
        inside += 100 * found.low <= published[-1] <= 100 * found.high
    assert np.abs(off).mean() < 0.75
    assert np.abs(off).max() < 2.5
    assert stats.spearmanr(np.add(published, off), published).statistic > 0.99
    assert inside == len(off)


@pytest.mark.slow
@pytest.mark.parametrize(("quality", "spread"), [(0.6, 0.0), (-2.5, 1.75), (0.0, 1.75)])
def test_the_interval_covers_the_truth(quality: float, spread: float) -> None:
    """With and without difficulties that nobody sees, for equals and for a weak model (12 % of wins)."""
    generator = np.random.default_rng(8)
    points, weights = np.polynomial.hermite_e.hermegauss(41)
    truth = float(weights @ special.expit(quality + spread * points) / weights.sum())
    covered, trials = 0, 300
    for _ in range(trials):
        lengths = answers(generator, 400)
        difficulty = generator.normal(0, spread, 400)
        gaps = np.array([answer - baseline for answer, baseline in lengths])
        chance = special.expit(quality + difficulty + 1.7 * np.tanh(gaps / gaps.std(ddof=1)))
        sample = [judged(float(value)) for value in generator.random(400) < chance]
        found = length_controlled_win_rate(sample, lengths)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / trials <= 0.98


@pytest.mark.parametrize(
    ("values", "lengths", "note"),
    [
        ([], [], "no verdict at all"),
        ([None, None], [(1, 2), (3, 4)], "no verdict at all"),
        ([1.0] * 5, [(9, 1), (1, 9), (5, 5), (4, 4), (1, 2)], "every verdict went the same way: not"),
        ([0.0] * 5, [(9, 1), (1, 9), (5, 5), (4, 4), (1, 2)], "every verdict went the same way: not"),
        ([0.5], [(9, 1)], "one question only: not"),
        ([0.5, None, None], [(9, 1)] * 3, "one question only: not"),
        ([1.0, 0.0, 0.5], [(5, 5)] * 3, "all answers differ by the same length: not"),
        ([1.0, 0.0, 0.5], [(9, 5)] * 3, "all answers differ by the same length: not"),
        ([1.0, 0.0], [(9, 5), (5, 9)], ""),
        ([0.5, 0.5, 0.5], [(9, 5), (5, 9), (1, 1)], ""),
        ([1.0, 0.0, 0.0], [(10**6, 0), (0, 1), (1, 0)], ""),
    ],
)
def test_degenerate_cases_are_reported(values: list[float | None], lengths: Lengths, note: str) -> None:
    found = length_controlled_win_rate([judged(value) for value in values], lengths)
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)
    assert 0 <= found.low <= found.high <= 1
    assert math.isnan(found.value) == (found.n == 0)
