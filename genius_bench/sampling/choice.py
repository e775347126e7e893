"""The draws of foresight re-sampling (Genius Eqs. 2, 3 and 5), in log space, so that a small τ cannot underflow."""

from collections.abc import Sequence

import numpy as np

from genius_bench.sampling.foresight_options import ForesightOptions


def foresight_distribution(scores: Sequence[float], tau: float) -> np.ndarray:
    """Eq. 2: F(i) = exp(f_i / τ) / Σ_j exp(f_j / τ). Scores in nats per token, shape [candidates]."""
    scaled = np.asarray(scores, dtype=np.float64) / tau
    weights = np.exp(scaled - scaled.max())
    distribution: np.ndarray = weights / weights.sum()
    return distribution


def draw_without_replacement(
    scores: Sequence[float], tau: float, count: int, random: np.random.Generator
) -> list[int]:
    """Eq. 3: successive draws from F, each candidate at most once (the Gumbel-top-k rule draws exactly so)."""
    scaled = np.asarray(scores, dtype=np.float64) / tau
    return [int(i) for i in np.argsort(-(scaled + random.gumbel(size=len(scaled))))[:count]]


def draw_with_replacement(
    scores: Sequence[float], tau: float, count: int, random: np.random.Generator
) -> list[int]:
    """Eq. 3 read literally: independent draws from F."""
    return [int(i) for i in random.choice(len(scores), size=count, p=foresight_distribution(scores, tau))]


def highest(scores: Sequence[float], count: int) -> list[int]:
    """The `count` best candidates, the first of equals first.

    Scores within 1e-4 nats count as equal: beams can arrive at one and the same response, and which of the two it is
    credited to must not hang on floating-point noise of the batch that it was scored in.
    """
    return [int(i) for i in np.argsort(-np.round(np.asarray(scores), 4), kind="stable")[:count]]


def next_beams(scores: Sequence[float], options: ForesightOptions, random: np.random.Generator) -> list[int]:
    """The M candidates that become the new beams."""
    if options.beams == "highest":
        return highest(scores, options.beam_size)
    draw = draw_without_replacement if options.beams == "without_replacement" else draw_with_replacement
    return draw(scores, options.tau, options.beam_size, random)
