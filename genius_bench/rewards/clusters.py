"""Rewards by how much of a group means the same (EMPO, arXiv 2504.05812): no label, and minorities keep their share."""

from collections.abc import Sequence
from math import inf, log
from typing import Literal

from pydantic import NonNegativeFloat

from genius_bench.recipe import Section
from genius_bench.rewards.equality import Equality, groups_of


class ClusterRule(Section):
    equality: Equality = "text"
    """Which answers mean the same."""
    unparsable: Literal["together", "apart"] = "together"
    """Responses without an answer: one cluster and no reward, or each a cluster of its own and rewarded as such (as in
    the release on verl)."""
    scattered: Literal["silent", "rewarded"] = "silent"
    """Whether a group in which no two responses agree is rewarded (as in the release on verl)."""
    least_entropy: NonNegativeFloat = 0.0
    most_entropy: NonNegativeFloat | None = None
    """The band of semantic entropy, nats, outside which a group is not rewarded: the paper's filter of queries. Eight
    responses that all differ have 2.08."""


def clusters_of(answers: Sequence[str | None], rule: ClusterRule) -> list[list[int]]:
    """Places of the responses of each cluster."""
    if rule.unparsable == "together":
        answers = ["" if answer is None else answer for answer in answers]
    return groups_of(answers, rule.equality)


def semantic_entropy(clusters: Sequence[Sequence[int]]) -> float:
    """−Σ p·log p of the clusters' shares, nats."""
    total = sum(map(len, clusters))
    return sum(-len(cluster) / total * log(len(cluster) / total) for cluster in clusters)


def cluster_frequency(answers: Sequence[str | None], rule: ClusterRule) -> list[float]:
    """The share of each response's cluster."""
    clusters = clusters_of(answers, rule)
    rewards = [0.0] * len(answers)
    if rule.scattered == "silent" and len(clusters) == len(answers):
        return rewards
    entropy = semantic_entropy(clusters)
    if not rule.least_entropy <= entropy <= (inf if rule.most_entropy is None else rule.most_entropy):
        return rewards
    for cluster in clusters:
        for place in cluster:
            unrewarded = answers[place] is None and rule.unparsable == "together"
            rewards[place] = 0.0 if unrewarded else len(cluster) / len(answers)
    return rewards
