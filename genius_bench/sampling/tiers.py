"""Tiers of scores within which length decides (Meta-Rewarding, arXiv 2407.19594, §2.1)."""

from collections.abc import Sequence

ROUNDING = 1e-9
"""A score on a tier's edge belongs to it, whatever its last bit says."""


def length_controlled(
    scores: Sequence[float | None], lengths: Sequence[int], rho: float
) -> tuple[int, int] | None:
    """(chosen, rejected): the shortest from (1−ρ)·S_max + ρ·S_min up, the longest up to (1−ρ)·S_min + ρ·S_max.

    Of equal lengths the better (worse) score, then the first. None where fewer than two are scored, or all alike.
    """
    scored = [(score, lengths[i], i) for i, score in enumerate(scores) if score is not None]
    high, low = max(scored, default=(0.0,))[0], min(scored, default=(0.0,))[0]
    if high == low:
        return None
    margin = rho * (high - low) + ROUNDING
    chosen = min((length, -score, i) for score, length, i in scored if score >= high - margin)
    rejected = min((-length, score, i) for score, length, i in scored if score <= low + margin)
    return chosen[2], rejected[2]
