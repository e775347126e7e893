"""Rewards by vote: a group's most frequent answer is its label. None is a response without a final answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from genius_bench.recipe import Section
from genius_bench.rewards.equality import Equality, equal_to, groups_of


class VoteRule(Section):
    """What releases of the same method do differently, and seldom say."""

    equality: Equality = "text"
    """Which answers vote together."""
    agreement: Equality | None = None
    """Which answers are rewarded for being the label; as for voting where not given. TTRL's release: text, then
    maths."""
    unparsable: Literal["dropped", "counted"] = "dropped"
    """Whether responses without an answer vote (for the empty answer) and can be rewarded: so in TTRL's release."""
    ties: Literal["nobody", "first"] = "nobody"
    """Whether one of equally many votes wins: the first that was stated, in all releases."""
    least_share: float = Field(default=0.0, ge=0, le=1)
    """Of the votes, that the most frequent answer must have to be worth anything: SRT's threshold of consistency."""


@dataclass(frozen=True)
class Vote:
    label: str | None
    """None on a tie, or where nobody voted."""
    votes: int
    voters: int

    @property
    def share(self) -> float:
        """Of all that voted."""
        return self.votes / max(self.voters, 1)


def vote(answers: Sequence[str | None], rule: VoteRule) -> Vote:
    """The label of a group. `votes` are those of the most frequent answer, a tie or not."""
    answers = [answer for answer in _voting(answers, rule) if answer is not None]
    ranked = sorted(groups_of(answers, rule.equality), key=len, reverse=True)
    if not ranked:
        return Vote(None, 0, 0)
    tied = len(ranked) > 1 and len(ranked[0]) == len(ranked[1])
    label = None if tied and rule.ties == "nobody" else answers[ranked[0][0]]
    found = Vote(label, len(ranked[0]), len(answers))
    return found if found.share >= rule.least_share else replace(found, label=None)


def agreement(answers: Sequence[str | None], label: str | None, rule: VoteRule) -> list[float]:
    """1 for every answer that is the label, whoever voted for it; 0 for all without a label."""
    if label is None:
        return [0.0] * len(answers)
    return list(map(float, equal_to(label, _voting(answers, rule), rule.agreement or rule.equality)))


def majority(answers: Sequence[str | None], rule: VoteRule) -> list[float]:
    """1 for every answer that is the group's label."""
    return agreement(answers, vote(answers, rule).label, rule)


def soft_majority(answers: Sequence[str | None], rule: VoteRule) -> list[float]:
    """Every answer's share of the votes: SRT's soft reward."""
    answers = _voting(answers, rule)
    stated = sum(answer is not None for answer in answers)
    rewards = [0.0] * len(answers)
    if vote(answers, rule).share < rule.least_share:
        return rewards
    for group in groups_of(answers, rule.equality):
        for place in group:
            rewards[place] = 0.0 if answers[place] is None else len(group) / stated
    return rewards


def _voting(answers: Sequence[str | None], rule: VoteRule) -> list[str | None]:
    return ["" if answer is None and rule.unparsable == "counted" else answer for answer in answers]
