"""Random reward: the online recipe with a coin for a signal, to see what the recipe alone does."""

from collections.abc import Sequence

import numpy as np

from genius_bench.engines.interface import Completion
from genius_bench.online_method import OnlineMethod
from genius_bench.rows import Query


class RandomReward(OnlineMethod):
    """Rewards each response with probability one half, whatever it says.

    What an online method gains over this is due to its signal; what this gains over the base is due to none.
    """

    name = "random-reward"
    title = "Random reward"
    source = "control: Shao et al., 'Spurious Rewards', arXiv 2506.10947"
    group = "controls"

    def reward(
        self, query: Query, responses: Sequence[Completion], random: np.random.Generator
    ) -> list[float]:
        return [float(heads) for heads in random.integers(2, size=len(responses))]
