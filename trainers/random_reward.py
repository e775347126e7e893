"""Random reward: the online recipe with a coin for a signal, to see what the recipe alone does."""

from genius_bench.online_method import Group, OnlineMethod
from genius_bench.rewards.controls import coin


class RandomReward(OnlineMethod):
    """Rewards each response with probability one half, whatever it says.

    What an online method gains over this is due to its signal; what this gains over the base is due to none.
    """

    name = "random-reward"
    title = "Random reward"
    source = "control: Shao et al., 'Spurious Rewards', arXiv 2506.10947"
    group = "controls"

    def reward(self, group: Group) -> list[float]:
        return coin(len(group.responses), group.random)
