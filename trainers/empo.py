"""EMPO: entropy minimised policy optimisation (arXiv 2504.05812)."""

from genius_bench.online_method import Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.clusters import ClusterRule, cluster_frequency


class EmpoOptions(OnlineOptions, ClusterRule):
    pass


class EMPO(OnlineMethod):
    """Rewards a response by the share of its group that means the same: fewer meanings, less semantic entropy.

    Minorities keep the reward of their share. Responses without an answer are one cluster that is not rewarded; a group
    in which no two agree is not rewarded at all.
    """

    name = "empo"
    title = "EMPO"
    source = "Zhang et al., 'Right Question is Already Half the Answer', arXiv 2504.05812"
    Options = EmpoOptions
    variants = {
        "paper": {},
        "released": {
            "sampling": {
                "responses": 16,
                "max_tokens": 3072,
                "updates": 8,
                "equality": "maths",
                "unparsable": "apart",
                "scattered": "rewarded",
            },
            "objective": {"name": "gspo", "beta": 0.0},
            "training": {"learning_rate": 5e-7, "batch_size": 4096},
        },
        "trl": {
            "sampling": {"responses": 7, "max_tokens": 2048, "equality": "maths"},
            "objective": {"name": "grpo", "beta": 0.0},
            "training": {"schedule": "constant_with_warmup", "batch_size": 896},
        },
    }

    def reward(self, group: Group) -> list[float]:
        return cluster_frequency(group.answers, self.options)
