"""Co-rewarding-II (arXiv 2508.00410): a vote of a teacher that follows the policy slowly."""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from genius_bench.online_method import VERL, Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.votes import VoteRule, agreement, vote
from genius_bench.sampling.answers import final_answer

Weight = Annotated[float, Field(gt=0, le=1)]


class CoRewardingOptions(OnlineOptions, VoteRule):
    first_weight: Weight = 0.01
    last_weight: Weight = 0.0001
    """How far the teacher follows the policy after a step: from the one to the other, along half a cosine."""
    divergence_from: Literal["base", "teacher"] = "base"
    """What holds the policy: the base model, as in all methods, or (released) the teacher."""


class CoRewarding(OnlineMethod):
    """Rewards the answer that most of a slow teacher's responses give, a moving average of the policy.

    The teacher begins as the base model and moves after every update, so that the first vote is the base's. Its
    responses vote and are not trained on; without an answer neither kind votes or is rewarded, on a tie nobody is.
    """

    name = "co-rewarding"
    title = "Co-rewarding"
    source = "Zhang et al., 'Co-rewarding: Stable Self-supervised RL', arXiv 2508.00410"
    Options = CoRewardingOptions
    variants = {
        "paper": {},
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

    def teacher_weight(self, progress: float) -> float:
        first, last = self.options.first_weight, self.options.last_weight
        weight: float = last + (first - last) * (1 + cos(pi * progress)) / 2
        return weight

    @property
    def reference(self) -> Literal["base", "teacher"]:
        reference: Literal["base", "teacher"] = self.options.divergence_from
        return reference

    def reward(self, group: Group) -> list[float]:
        label = vote([final_answer(response.text) for response in group.of_teacher], self.options).label
        return agreement(group.answers, label, self.options)
