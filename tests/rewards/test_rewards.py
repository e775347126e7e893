"""Rewards of groups, as the releases of their methods give them, and what must hold of any group."""

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.errors import InputError
from genius_bench.rewards.clusters import ClusterRule, cluster_frequency, clusters_of, semantic_entropy
from genius_bench.rewards.confidence import negative_entropy, self_certainty
from genius_bench.rewards.controls import coin, stated, wrong_majority
from genius_bench.rewards.votes import VoteRule, agreement, majority, soft_majority, vote

SRT = VoteRule(ties="first")
TTRL = VoteRule(unparsable="counted", ties="first")
MIXED = ["7", "7", None, "9", "7", "9", None, "8"]
SILENT = [None, None, None, "4", "5", "4"]


@pytest.mark.parametrize(
    ("rule", "answers", "label", "share", "rewards"),
    [
        (SRT, MIXED, "7", 0.5, [1, 1, 0, 0, 1, 0, 0, 0]),
        (TTRL, MIXED, "7", 0.375, [1, 1, 0, 0, 1, 0, 0, 0]),
        (SRT, ["7", "9", "9", "7"], "7", 0.5, [1, 0, 0, 1]),
        (VoteRule(), ["7", "9", "9", "7"], None, 0.5, [0, 0, 0, 0]),
        (SRT, SILENT, "4", 2 / 3, [0, 0, 0, 1, 0, 1]),
        (TTRL, SILENT, "", 0.5, [1, 1, 1, 0, 0, 0]),
        (VoteRule(), [None, None], None, 0.0, [0, 0]),
        (TTRL, [None, None], "", 1.0, [1, 1]),
        # Written differently, they are two answers or one.
        (VoteRule(), ["1/2", "0.5", "3"], None, 1 / 3, [0, 0, 0]),
        (VoteRule(equality="number"), ["1/2", "0.5", "3"], "1/2", 2 / 3, [1, 1, 0]),
        # A text wins the vote, and what equals it is rewarded.
        (VoteRule(agreement="number"), ["1/2", "1/2", "0.5", "3"], "1/2", 0.5, [1, 1, 1, 0]),
    ],
)
def test_votes(
    rule: VoteRule, answers: list[str | None], label: str | None, share: float, rewards: list[float]
) -> None:
    assert vote(answers, rule).label == label
    assert vote(answers, rule).share == pytest.approx(share)
    assert majority(answers, rule) == rewards


def test_votes_of_mathematics() -> None:
    answers = [r"\frac{\sqrt{2}}{2}", "x+1", r"\frac{1}{\sqrt{2}}", None]
    assert majority(answers, VoteRule(equality="maths")) == [1, 0, 1, 0]


def test_a_soft_vote_is_a_share_of_what_is_stated() -> None:
    soft = soft_majority(MIXED, SRT)
    assert soft_majority([None], SRT) == [0.0]
    assert soft == pytest.approx([1 / 2, 1 / 2, 0, 1 / 3, 1 / 2, 1 / 3, 0, 1 / 6])


def test_each_view_of_a_query_is_rewarded_by_the_label_of_the_other() -> None:
    asked, rephrased = ["7", "7", "9", "7"], ["9", "9", "7", "9"]
    assert agreement(asked, vote(rephrased, SRT).label, SRT) == [0, 0, 1, 0]
    assert agreement(rephrased, vote(asked, SRT).label, SRT) == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("rule", "entropy", "rewards"),
    [
        (ClusterRule(), 1.320888343149, [0.375, 0.375, 0, 0.25, 0.375, 0.25, 0, 0.125]),
        (
            ClusterRule(unparsable="apart", scattered="rewarded"),
            1.494175138289,
            [0.375, 0.375, 0.125, 0.25, 0.375, 0.25, 0.125, 0.125],
        ),
    ],
)
def test_cluster_frequencies(rule: ClusterRule, entropy: float, rewards: list[float]) -> None:
    assert semantic_entropy(clusters_of(MIXED, rule)) == pytest.approx(entropy, abs=1e-9)
    assert cluster_frequency(MIXED, rule) == rewards


def test_a_group_without_two_alike_is_silent_even_where_one_says_nothing() -> None:
    answers = ["1", "2", "3", None]
    assert semantic_entropy(clusters_of(answers, ClusterRule())) == pytest.approx(math.log(4))
    assert cluster_frequency(answers, ClusterRule()) == [0.0] * 4
    assert cluster_frequency(answers, ClusterRule(scattered="rewarded")) == [0.25, 0.25, 0.25, 0.0]


groups = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=12)


@settings(deadline=None)
@given(answers=groups, random=st.randoms())
def test_the_order_of_responses_decides_nothing_unless_a_rule_says_so(
    answers: list[str | None], random: Random
) -> None:
    order = list(range(len(answers)))
    random.shuffle(order)
    shuffled = [answers[place] for place in order]
    rewards: list[Callable[[list[str | None]], list[float]]] = [
        lambda group: majority(group, VoteRule()),
        lambda group: soft_majority(group, VoteRule()),
        lambda group: cluster_frequency(group, ClusterRule()),
        lambda group: wrong_majority(group, [answer == "1" for answer in group], VoteRule()),
    ]
    for reward in rewards:
        assert reward(shuffled) == [reward(answers)[place] for place in order]


@settings(deadline=None)
@given(answers=groups)
def test_the_mean_of_cluster_shares_is_the_chance_that_two_agree(answers: list[str | None]) -> None:
    rule = ClusterRule(unparsable="apart", scattered="rewarded")
    shares = [len(cluster) / len(answers) for cluster in clusters_of(answers, rule)]
    rewards = cluster_frequency(answers, rule)
    assert sum(rewards) / len(rewards) == pytest.approx(sum(share**2 for share in shares))


def test_confidence_is_a_mean_over_tokens() -> None:
    assert self_certainty([0.754128159669, 2.417157072908, 0.0]) == pytest.approx(1.057095077526)
    entropies = [0.961722362888, 0.157817250649, 1.609437912434]
    assert negative_entropy(entropies) == pytest.approx(-0.909659175324)
    assert negative_entropy(entropies, last=1 / 3) == pytest.approx(-1.609437912434)
    assert negative_entropy([1.0, 2.0, 3.0, 5.0], last=0.3) == -4.0
    for reward in (self_certainty, negative_entropy):
        with pytest.raises(InputError, match="the engine tells no"):
            reward([])


def test_controls() -> None:
    answers = ["7", "7", "7", "9", "9", "8", None]
    nines, sevens = ([answer == right for answer in answers] for right in ("9", "7"))
    assert wrong_majority(answers, nines, VoteRule()) == [1, 1, 1, 0, 0, 0, 0]
    assert wrong_majority(answers, sevens, VoteRule()) == [0, 0, 0, 1, 1, 0, 0]
    assert wrong_majority(["7", "7"], [True, True], VoteRule()) == [0, 0]
    assert wrong_majority(["7", "7", None, "8", "8"], [True, True, False, False, False], TTRL) == [
        0,
        0,
        0,
        1,
        1,
    ]
    assert stated(answers) == [1, 1, 1, 1, 1, 1, 0]


def test_a_coin_is_the_generators_alone() -> None:
    rewards = coin(4000, np.random.default_rng(3), 0.2)
    assert rewards == coin(4000, np.random.default_rng(3), 0.2)
    assert set(rewards) == {0.0, 1.0}
    assert np.mean(rewards) == pytest.approx(0.2, abs=0.03)
