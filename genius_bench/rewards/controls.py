"""Rewards that hold other ones to account: the truth, the wrong, the form and the coin. None: no final answer."""

from collections.abc import Sequence

import numpy as np

from genius_bench.rewards.votes import VoteRule, agreement, vote


def wrong_majority(answers: Sequence[str | None], right: Sequence[bool], rule: VoteRule) -> list[float]:
    """1 for the most frequent of the answers that are not right (after Spurious Rewards, arXiv 2506.10947)."""
    wrong = [answer for answer, is_right in zip(answers, right, strict=True) if not is_right]
    return agreement(answers, vote(wrong, rule).label, rule)


def stated(answers: Sequence[str | None]) -> list[float]:
    """1 for stating an answer, whichever: the form alone."""
    return [float(answer is not None) for answer in answers]


def coin(responses: int, random: np.random.Generator, probability: float = 0.5) -> list[float]:
    """1 with a probability, whatever is said."""
    return [float(drawn < probability) for drawn in random.random(responses)]
