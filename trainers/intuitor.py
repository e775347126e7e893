"""Intuitor: reinforcement learning from internal feedback (arXiv 2505.19590)."""

from genius_bench.online_method import VERL, Group, OnlineMethod
from genius_bench.rewards.confidence import self_certainty


class Intuitor(OnlineMethod):
    """Rewards responses by how far from uniform the policy's next-word distributions were, on average over tokens.

    KL(U‖p) of every token, the end included, by the policy as it draws: a frozen judge would be outwitted. Whether a
    response states an answer, or ended, makes no difference to its reward.
    """

    name = "intuitor"
    title = "Intuitor"
    source = "Zhao et al., 'Learning to Reason without External Rewards', arXiv 2505.19590"
    certainties = True
    variants = {
        "paper": {},
        "released": {
            "sampling": {"max_tokens": 3072},
            "objective": VERL | {"reduction": "micro-batch", "micro_batch": 4},
            "training": {"learning_rate": 3e-6, "schedule": "cosine"},
        },
    }

    def reward(self, group: Group) -> list[float]:
        return [self_certainty(response.certainties) for response in group.responses]
