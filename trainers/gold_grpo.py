"""Gold reward: the online recipe with the right answers for a signal, which no method can beat by its signal."""

from genius_bench.online_method import Group, OnlineMethod
from genius_bench.sampling.answers import agrees


class GoldGRPO(OnlineMethod):
    """Rewards right answers: the ceiling of what the online recipe can make of these queries."""

    name = "gold-grpo"
    title = "Gold reward"
    source = (
        "control: Shao et al., 'DeepSeekMath', arXiv 2402.03300, with the shared recipe of the online methods"
    )
    group = "controls"
    needs = frozenset({"answers"})

    def reward(self, group: Group) -> list[float]:
        answer = group.query.answer
        return [float(answer is not None and agrees(one.text, answer)) for one in group.responses]
