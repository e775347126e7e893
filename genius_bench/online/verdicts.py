"""What a group of rollouts says and how much of it is right, by a gold answer that no reward needs to have seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.rewards.votes import VoteRule, vote
from genius_bench.sampling.answers import agrees, final_answer


@dataclass(frozen=True)
class Verdict:
    answers: list[str | None]
    """The final answer of every response; None where none is stated."""
    majority: str | None
    """The most frequent of them; None on a tie, and where nobody states one."""
    right: list[bool | None]
    """Whether every response is; None where no gold answer is known."""

    @property
    def majority_is_right(self) -> bool:
        return self.majority is not None and bool(self.right[self.answers.index(self.majority)])


def verdict(texts: Sequence[str], gold: str | None) -> Verdict:
    """Of all responses to one query in one step."""
    answers = [final_answer(text) for text in texts]
    right = [None if gold is None else agrees(text, gold) for text in texts]
    return Verdict(answers, vote(answers, VoteRule()).label, right)
