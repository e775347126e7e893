"""How often intervals over training seeds cover the truth, and how wide they are beside Welch–Satterthwaite's.

    python benchmarks/seed_intervals.py [--experiments 4000] [--answers 1] [--difficulty 1.5]

Questions differ in difficulty and seeds in skill (both normal, in logits); every seed answers every question anew. The
truth is the mean over all questions and all seeds.
"""

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from genius_bench.seed_spread import half_width, over_seeds

Array = npt.NDArray[np.float64]
EASE = 0.3
"""Of the mean question, in logits."""
CELLS = 4_000_000
"""Answers held in memory at a time."""


class Found(NamedTuple):
    """Share of intervals that cover the truth and their mean half width (cut at 0 and 1): ours, and the older one's."""

    coverage: float
    width: float
    old_coverage: float
    old_width: float


def simulate(
    seeds: int,
    questions: int,
    spread: float,
    *,
    experiments: int,
    answers: int = 1,
    difficulty: float = 1.5,
    rng: np.random.Generator,
) -> Found:
    """`spread` and `difficulty` are standard deviations of seeds and questions in logits."""
    truth = _mean_share(difficulty, spread)
    rows = [
        row
        for values in _experiments(seeds, questions, spread, experiments, answers, difficulty, rng)
        for row in zip(*_judged(values, truth), strict=True)
    ]
    return Found(*np.mean(np.array(rows), axis=0).tolist())


def _experiments(
    seeds: int,
    questions: int,
    spread: float,
    experiments: int,
    answers: int,
    difficulty: float,
    rng: np.random.Generator,
) -> Iterator[Array]:
    at_once = max(1, CELLS // (seeds * questions))
    for start in range(0, experiments, at_once):
        count = min(at_once, experiments - start)
        skill = rng.normal(0, spread, (count, seeds, 1)) if spread else np.zeros((count, seeds, 1))
        chance = _share(rng.normal(EASE, difficulty, (count, 1, questions)) + skill)
        yield (
            rng.binomial(answers, chance) / answers
            if answers > 1
            else (rng.random(chance.shape) < chance).astype(np.float64)
        )


def _judged(values: Array, truth: float) -> tuple[npt.NDArray[Any], ...]:
    from scipy import stats

    k, n = values.shape[-2:]
    found = over_seeds([[values]])
    width = half_width(found, 0.05)
    of_seeds = values.mean(-1).var(-1, ddof=1) / k
    variance = found.questions + of_seeds
    freedom = variance**2 / (found.questions**2 / (n - 1) + of_seeds**2 / (k - 1))
    old = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    off = np.abs(found.mean - truth)
    return off <= width, _inside(found.mean, width), off <= old, _inside(found.mean, old)


def _inside(mean: Array, width: Array) -> Array:
    return (np.minimum(mean + width, 1) - np.maximum(mean - width, 0)) / 2


def _mean_share(difficulty: float, spread: float) -> float:
    """Over questions and seeds, whose sum is normal too (Gauss–Hermite)."""
    points, weights = np.polynomial.hermite_e.hermegauss(81)
    return float(weights @ _share(EASE + np.hypot(difficulty, spread) * points) / weights.sum())


def _share(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))


def main() -> None:
    parser = argparse.ArgumentParser(description="coverage and width of intervals over training seeds")
    parser.add_argument("--experiments", type=int, default=4000)
    parser.add_argument("--answers", type=int, default=1)
    parser.add_argument("--difficulty", type=float, default=1.5)
    options = parser.parse_args()
    print("seeds  questions  spread  covers  half width   Welch–Satterthwaite: covers  half width")
    rng = np.random.default_rng(1)
    for seeds in (2, 3, 5):
        for questions in (200, 500, 2000):
            for spread in (0.0, 0.1, 0.2, 0.4, 0.8):
                found = simulate(seeds, questions, spread, rng=rng, **vars(options))
                print(
                    f"{seeds:5}{questions:11}{spread:8.1f}{found.coverage:8.3f}{found.width:12.3f}"
                    f"{found.old_coverage:30.3f}{found.old_width:12.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
