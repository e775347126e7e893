"""TTRL: test-time reinforcement learning (arXiv 2504.16084), and SRT, the same vote for reinforcement learning."""

from typing import Literal

from genius_bench.online_method import VERL, Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.votes import VoteRule, majority, soft_majority

REWARDS = {"agreement": majority, "share": soft_majority}


class TtrlOptions(OnlineOptions, VoteRule):
    worth: Literal["agreement", "share"] = "agreement"
    """What an answer is worth: 1 for being the majority's, or its share of the votes (SRT's soft reward)."""


class TTRL(OnlineMethod):
    """Rewards the answer that most of a query's responses give, as they are drawn at every step.

    The policy that votes is the one that is trained. Responses without an answer neither vote nor are rewarded, but
    count in the baseline; on a tie nobody is rewarded.
    """

    name = "ttrl"
    title = "TTRL"
    source = "Zuo et al., 'TTRL: Test-Time Reinforcement Learning', NeurIPS 2025, arXiv 2504.16084"
    Options = TtrlOptions
    variants = {
        "paper": {},
        "released": {
            "sampling": {
                "responses": 64,
                "trained": 32,
                "max_tokens": 3072,
                "updates": 8,
                "agreement": "maths",
                "unparsable": "counted",
                "ties": "first",
            },
            "objective": VERL | {"beta": 0.001, "reduction": "micro-batch", "micro_batch": 2},
            "training": {"learning_rate": 5e-7, "schedule": "cosine", "warmup": 0.03, "batch_size": 256},
        },
        "srt": {
            "sampling": {"responses": 32, "max_tokens": 3072, "ties": "first"},
            "objective": {"advantage": "leave-one-out", "kl": "reward-k3", "beta": 0.001, "dual_clip": 3.0},
            "training": {"schedule": "constant_with_warmup", "warmup": 0.0, "batch_size": 512},
        },
    }

    def reward(self, group: Group) -> list[float]:
        return REWARDS[self.options.worth](group.answers, self.options)
