"""Rewards by how sure the policy was of its tokens, from one statistic of each token's whole distribution, in nats."""

from collections.abc import Sequence
from math import ceil
from statistics import fmean

from genius_bench.errors import InputError


def self_certainty(certainties: Sequence[float]) -> float:
    """The mean over tokens of KL(U‖p) (Intuitor, arXiv 2505.19590). Raises `InputError` where none are told."""
    _check(certainties, "certainties")
    return fmean(certainties)


def negative_entropy(entropies: Sequence[float], last: float = 1.0) -> float:
    """Less the mean entropy (RENT, arXiv 2505.22660) of all tokens, or of the `last` share of them, rounded up.

    Raises `InputError` where none are told.
    """
    _check(entropies, "entropies")
    return -fmean(entropies[-ceil(last * len(entropies)) :])


def _check(values: Sequence[float], what: str) -> None:
    if not values:
        raise InputError(
            f"the engine tells no {what} of its tokens, which this reward is made of: use engine hf"
        )
