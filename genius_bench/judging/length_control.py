"""A win rate as if both answers were equally long, close to AlpacaEval 2's (Dubois et al., 2024).

A logistic regression explains the preferences by which model is better, by the difference in length, and by how
difficult the instruction is; the win rate is read off at a difference of zero. AlpacaEval 2 takes the difficulties from
a file that was fitted to the judgements of many models, and steadies the slope of length by rewritten answers of its
baseline. Neither can be made of one model's judgements. What is known of them stands in their places, as four numbers:
how the published slopes are spread, how the difficulties are, and that instructions with a long answer of the baseline
are the harder ones. On the published judgements of 27 models the rate differs from the published one by 0.54 points on
average and 1.8 at worst (docs/evaluation.md).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genius_bench.judging.judged import Judged
from genius_bench.judging.win_rate import NO_VERDICT, WinRate, win_rate
from genius_bench.statistics import CONFIDENCE

SLOPE, SLOPE_SPREAD = 1.7, 0.35
"""Log-odds that the longer answer gains: mean and standard deviation over the models of AlpacaEval 2's board. The prior
is logistic: its tails let a judge that loves length much more, or not at all, be seen for what it is."""
DIFFICULTY_SPREAD = 1.75
"""Standard deviation of the instructions' difficulty, in log-odds, on the same board."""
BASELINE_LENGTH = -0.6
"""Log-odds of beating the baseline for each standard deviation of its answer's logarithmic length: its longest answers
are to the instructions that are hardest to beat it on."""
NODES = 15

Array = npt.NDArray[np.float64]


def length_controlled_win_rate(judged: Sequence[Judged], lengths: Sequence[tuple[int, int]]) -> WinRate:
    """The share of wins at equal length, with its 95 % interval over questions.

    `lengths` are those of the answer under test and of the baseline, in characters, one pair a question. Where
    lengths cannot be controlled for (all differences equal, one question, every verdict the same way), it is the
    plain win rate, and `note` says why.
    """
    kept = [(one.value, pair) for one, pair in zip(judged, lengths, strict=True) if one.value is not None]
    plain = win_rate(judged, weighted=False)
    if not kept:
        return NO_VERDICT
    values = np.array([value for value, _ in kept], dtype=np.float64)
    own, baseline = np.array([pair for _, pair in kept], dtype=np.float64).T
    differences = own - baseline
    if plain.note or differences.std() == 0:
        reason = plain.note or "all answers differ by the same length"
        return plain._replace(note=f"{reason}: not controlled for length")
    longer = np.tanh(differences / differences.std(ddof=1))
    easier = BASELINE_LENGTH * _standardised(np.log1p(baseline))
    value, low, high = _at_equal_length(values, longer, easier)
    return WinRate(value, low, high, len(values))


def _standardised(values: Array) -> Array:
    spread = values.std(ddof=1)
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def _at_equal_length(values: Array, longer: Array, easier: Array) -> tuple[float, float, float]:
    """The rate and its interval: of the logit, by how far each question moves the rate (infinitesimal jackknife)."""
    from scipy import optimize, stats

    scale = SLOPE_SPREAD * np.sqrt(3) / np.pi  # of the logistic distribution with that standard deviation

    def loss(beta: Array) -> tuple[float, Array]:
        wins, steps = _chance(beta[0] + beta[1] * longer + easier)
        off = (beta[1] - SLOPE) / scale
        likelihood = values @ np.log(wins) + (1 - values) @ np.log1p(-wins)
        scores = steps * (values - wins) / (wins * (1 - wins))
        gradient = np.array([-scores.sum(), -scores @ longer + np.tanh(off / 2) / scale])
        return float(2 * np.logaddexp(off / 2, -off / 2) - likelihood), gradient

    beta = optimize.minimize(loss, [0.0, SLOPE], jac=True, method="BFGS").x
    wins, steps = _chance(beta[0] + beta[1] * longer + easier)
    features = np.stack([np.ones_like(longer), longer])
    information = (features * steps**2 / (wins * (1 - wins))) @ features.T
    information[1, 1] += 1 / (2 * scale**2 * np.cosh((beta[1] - SLOPE) / (2 * scale)) ** 2)
    scores = features * steps * (values - wins) / (wins * (1 - wins))
    at_equal, slope = _chance(beta[0] + easier)
    rate, n = float(at_equal.mean()), len(values)
    moved = np.linalg.solve(information, scores)[0]
    error = np.sqrt(np.sum((at_equal - rate + n * slope.mean() * moved) ** 2) / (n * (n - 1)))
    width = stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1) * error / (rate * (1 - rate))
    logit = np.log(rate / (1 - rate))
    return rate, float(_sigmoid(logit - width)), float(_sigmoid(logit + width))


def _chance(log_odds: Array) -> tuple[Array, Array]:
    """The chance to win over the difficulties that were not seen (Gauss–Hermite), and its derivative."""
    points, weights = np.polynomial.hermite_e.hermegauss(NODES)
    each = _sigmoid(log_odds[:, None] + DIFFICULTY_SPREAD * points)
    weights = weights / weights.sum()
    return np.clip(each @ weights, 1e-12, 1 - 1e-12), (each * (1 - each)) @ weights


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))
