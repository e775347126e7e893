"""Co-rewarding (arXiv 2508.00410): a vote from elsewhere, of a slow teacher (II) or of the other wording (I)."""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from genius_bench.online_method import VERL, Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.votes import VoteRule, agreement, vote
from genius_bench.sampling.answers import final_answer
from genius_bench.sampling.rephrasing import RephrasingOptions

Weight = Annotated[float, Field(gt=0, le=1)]


class CoRewardingOptions(OnlineOptions, VoteRule, RephrasingOptions):
    voters: Literal["teacher", "rephrased"] = "teacher"
    """Whose answers vote: a moving average's of the policy (II), or the policy's to the question in other words (I)."""
    first_weight: Weight = 0.01
    last_weight: Weight = 0.0001
    """How far the teacher follows the policy after a step: from the one to the other, along half a cosine."""
    divergence_from: Literal["base", "teacher"] = "base"
    """What holds the policy: the base model, as in all methods, or (released) the teacher."""


class CoRewarding(OnlineMethod):
    """Rewards the answer that most of a slow teacher's responses give, a moving average of the policy. As variant I it
    rewards the answer that most responses to the same question in other words give, and those by these.

    The teacher begins as the base model and moves after every update, so that the first vote is the base's. Its
    responses vote and are not trained on; both wordings' are. Without an answer nobody votes or is rewarded, on a tie
    nobody is. The paper has a larger model rephrase; here the policy does, before it trains.
    """

    name = "co-rewarding"
    title = "Co-rewarding"
    source = "Zhang et al., 'Co-rewarding: Stable Self-supervised RL', arXiv 2508.00410"
    Options = CoRewardingOptions
    variants = {
        "paper": {},
        "I": {"sampling": {"voters": "rephrased"}},
        "released": {
            "sampling": {
                "max_tokens": 3072,
                "ties": "first",
                "last_weight": 1e-5,
                "divergence_from": "teacher",
            },
            "objective": VERL | {"beta": 0.001, "reduction": "micro-batch", "micro_batch": 8},
            "training": {"learning_rate": 3e-6, "schedule": "cosine"},
        },
    }

    @property
    def rephrases(self) -> bool:
        rephrases: bool = self.options.voters == "rephrased"
        return rephrases

    def teacher_weight(self, progress: float) -> float | None:
        if self.rephrases:
            return None
        first, last = self.options.first_weight, self.options.last_weight
        weight: float = last + (first - last) * (1 + cos(pi * progress)) / 2
        return weight

    @property
    def reference(self) -> Literal["base", "teacher"]:
        reference: Literal["base", "teacher"] = self.options.divergence_from
        return reference

    def reward(self, group: Group) -> list[float]:
        voters = group.to_other_words if self.rephrases else group.of_teacher
        label = vote([final_answer(response.text) for response in voters], self.options).label
        return agreement(group.answers, label, self.options)
