"""Format reward: the online recipe with the form for a signal."""

from genius_bench.online_method import Group, OnlineMethod
from genius_bench.rewards.controls import stated


class FormatReward(OnlineMethod):
    """Rewards responses that state a final answer, whichever: what is gained by form alone."""

    name = "format-reward"
    title = "Format reward"
    source = "control: Shao et al., 'Spurious Rewards', arXiv 2506.10947"
    group = "controls"

    def reward(self, group: Group) -> list[float]:
        return stated(group.answers)
