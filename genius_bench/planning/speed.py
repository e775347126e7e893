"""How fast an engine is while it is full, from requests that were asked at once."""

from collections.abc import Sequence
from typing import NamedTuple


class Asked(NamedTuple):
    """A request: when it was asked and answered (seconds), and the tokens of its answer."""

    begun: float
    ended: float
    tokens: int


class Speed(NamedTuple):
    """`tail` is how many seconds more than at that speed the last answers took: every run has such an end once."""

    tokens_per_second: float
    tail: float


def speed_of(requests: Sequence[Asked]) -> Speed:
    """The speed until half of the requests were answered; those that were not count as far as they had come."""
    if not requests:  # a method that samples nothing
        return Speed(0.0, 0.0)
    start, end = min(one.begun for one in requests), max(one.ended for one in requests)
    half = sorted(one.ended for one in requests)[(len(requests) - 1) // 2]
    early = sum(one.tokens * _share(one, half) for one in requests)
    speed = early / max(half - start, 1e-9)
    whole = sum(one.tokens for one in requests) / speed
    return Speed(speed, max(0.0, end - start - whole))


def _share(one: Asked, moment: float) -> float:
    """Of an answer that was there at `moment`."""
    if one.ended <= moment:
        return 1.0
    return max(0.0, (moment - one.begun) / (one.ended - one.begun))
