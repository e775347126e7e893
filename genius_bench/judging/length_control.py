"""A win rate as if both answers were equally long, in the way of AlpacaEval 2 (Dubois et al., 2024).

A logistic regression explains the preferences by a constant (which model is better) and by the difference in length;
the win rate is read off at a difference of zero. AlpacaEval 2 has a third term, how difficult each instruction is,
fitted over many models at once; with one model and one baseline it cannot be told from chance and is left out. Our
numbers are therefore close to AlpacaEval's, not equal to them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genius_bench.judging.judged import Judged
from genius_bench.judging.win_rate import NO_VERDICT, WinRate, win_rate
from genius_bench.seeds import seed_of

RESAMPLES = 2000
PENALTY = 0.01
"""A normal prior of standard deviation 10 on both coefficients (log-odds): length may explain a preference entirely
without the fit running away. It moves no win rate noticeably."""
LARGEST_STEP = 2.0
STEPS = 60

Array = npt.NDArray[np.float64]


def length_controlled_win_rate(judged: Sequence[Judged], lengths: Sequence[tuple[int, int]]) -> WinRate:
    """The share of wins at equal length, with the percentile bootstrap's interval over questions.

    `lengths` are those of the answer under test and of the baseline, in characters, one pair a question. Where
    lengths cannot be controlled for (all differences equal, one question, every verdict the same way), it is the
    plain win rate, and `note` says why.
    """
    pairs = [
        (one.value, answer - baseline)
        for one, (answer, baseline) in zip(judged, lengths, strict=True)
        if one.value is not None
    ]
    plain = win_rate(judged, weighted=False)
    if not pairs:
        return NO_VERDICT
    values = np.array([value for value, _ in pairs], dtype=np.float64)
    differences = np.array([difference for _, difference in pairs], dtype=np.float64)
    if plain.note or differences.std() == 0:
        reason = plain.note or "all answers differ by the same length"
        return plain._replace(note=f"{reason}: not controlled for length")
    features = np.tanh(differences / differences.std(ddof=1))
    counts = np.random.default_rng(seed_of("length control")).multinomial(
        len(pairs), np.full(len(pairs), 1 / len(pairs)), size=RESAMPLES
    )
    value = _at_equal_length(features, values, np.ones((1, len(pairs))))[0]
    low, high = np.quantile(_at_equal_length(features, values, counts.astype(np.float64)), [0.025, 0.975])
    return WinRate(float(value), min(float(low), float(value)), max(float(high), float(value)), len(pairs))


def _at_equal_length(features: Array, values: Array, counts: Array) -> Array:
    """One win rate a row of `counts` (how often each question counts): Newton's method, all rows at once."""
    constant, slope = np.zeros(len(counts)), np.zeros(len(counts))
    for _ in range(STEPS):
        wins = _sigmoid(constant[:, None] + slope[:, None] * features)
        error, spread = counts * (values - wins), counts * wins * (1 - wins)
        gradient_0 = error.sum(axis=1) - PENALTY * constant
        gradient_1 = error @ features - PENALTY * slope
        h00, h01 = spread.sum(axis=1) + PENALTY, spread @ features
        h11 = spread @ features**2 + PENALTY
        determinant = h00 * h11 - h01**2
        step_0 = (h11 * gradient_0 - h01 * gradient_1) / determinant
        step_1 = (h00 * gradient_1 - h01 * gradient_0) / determinant
        shrink = np.minimum(1.0, LARGEST_STEP / np.maximum(np.hypot(step_0, step_1), 1e-300))
        constant += shrink * step_0
        slope += shrink * step_1
        if max(np.abs(step_0).max(), np.abs(step_1).max()) < 1e-8:
            break
    return _sigmoid(constant)


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))
