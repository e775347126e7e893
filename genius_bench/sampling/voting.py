"""Votes among responses: by final answer where they have one, by clusters of what they conclude otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.sampling.answers import final_answer
from genius_bench.sampling.clustering import ClusterOptions, clusters_of, conclusion

CLOSED_SHARE = 0.5


@dataclass(frozen=True)
class Group:
    """Responses (by index) that give the same answer."""

    members: tuple[int, ...]
    votes: int
    """Members that may vote."""
    can_win: bool = True


def vote(texts: Sequence[str], options: ClusterOptions, voters: int | None = None) -> list[Group]:
    """The groups, most votes first. Only the first `voters` texts vote (all by default).

    Closed when at least half of the voters state a final answer: equal answers are a group, and a response without one
    stands alone and cannot win. Open otherwise: groups are clusters of conclusions.
    """
    voters = len(texts) if voters is None else voters
    answers = [final_answer(text) for text in texts]
    stated = sum(answer is not None for answer in answers[:voters])
    closed = voters > 0 and stated >= CLOSED_SHARE * voters
    names: Sequence[str | int] = (
        [number if answer is None else answer for number, answer in enumerate(answers)]
        if closed
        else clusters_of([conclusion(text) for text in texts], options)
    )
    members: dict[str | int, list[int]] = {}
    for number, name in enumerate(names):
        members.setdefault(name, []).append(number)
    groups = [
        Group(tuple(group), sum(number < voters for number in group), not closed or isinstance(name, str))
        for name, group in members.items()
    ]
    return sorted(groups, key=lambda group: -group.votes)


def winner(groups: Sequence[Group]) -> Group | None:
    """The group with the most votes; None when none can win or another has as many."""
    best = next((group for group in groups if group.can_win), None)
    if best is None or any(group.votes >= best.votes for group in groups if group is not best):
        return None
    return best


def losers(groups: Sequence[Group], winning: Group) -> list[Group]:
    """The groups with the fewest votes, the winner aside; none when it has them all."""
    others = [group for group in groups if group is not winning]
    fewest = min((group.votes for group in others), default=0)
    return [group for group in others if group.votes == fewest]
