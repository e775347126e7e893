"""Wrong majority: the online recipe with a signal that is never right."""

from genius_bench.online_method import Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.controls import wrong_majority
from genius_bench.rewards.votes import VoteRule
from genius_bench.sampling.answers import agrees


class WrongMajorityOptions(OnlineOptions, VoteRule):
    pass


class WrongMajority(OnlineMethod):
    """Rewards the most frequent of a group's wrong answers: what is gained all the same is not due to the signal."""

    name = "wrong-majority"
    title = "Wrong majority"
    source = "control: Shao et al., 'Spurious Rewards', arXiv 2506.10947"
    group = "controls"
    needs = frozenset({"answers"})
    Options = WrongMajorityOptions

    def reward(self, group: Group) -> list[float]:
        answer = group.query.answer
        right = [answer is not None and agrees(one.text, answer) for one in group.responses]
        return wrong_majority(group.answers, right, self.options)
