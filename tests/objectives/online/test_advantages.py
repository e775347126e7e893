"""Advantages against numbers worked out by hand and what their formulas imply."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.errors import InputError
from genius_bench.objectives.online.advantages import silent
from genius_bench.objectives.online.named import GRPO, RLOO, DrGRPO, TokenMean
from genius_bench.objectives.online.objective import ADVANTAGES, Advantage, TokenObjective

from .group import REWARDS

MAJORITY = [[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
CERTAINTIES = [[1.3, 1.1, 1.5, 1.1]]


@pytest.mark.parametrize(
    ("objective", "rewards", "expected"),
    [
        (GRPO(), [REWARDS], [0.866023903787, 0.866023903787, -0.866023903787, -0.866023903787]),
        (DrGRPO(length=6), [REWARDS], [0.5, 0.5, -0.5, -0.5]),
        (RLOO(), [REWARDS], [2 / 3, 2 / 3, -2 / 3, -2 / 3]),
        (GRPO(), MAJORITY, [1.20761239552 if one else -0.724567437312 for one in MAJORITY[0]]),
        (RLOO(), MAJORITY, [5 / 7 if one else -3 / 7 for one in MAJORITY[0]]),
        (GRPO(), CERTAINTIES, [0.261115120304, -0.783345360913, 1.305575601522, -0.783345360913]),
        # Means 2 and 0.5; all four rewards deviate by √3.5833 (ddof 1) from their own mean.
        (
            TokenMean(advantage="batch"),
            [[4.0, 0.0], [1.0, 0.0]],
            [
                value / (math.sqrt((2.75**2 + 2 * 1.25**2 + 0.25**2) / 3) + 1e-6)
                for value in (2, -2, 0.5, -0.5)
            ],
        ),
    ],
)
def test_vectors(objective: TokenObjective, rewards: list[list[float]], expected: list[float]) -> None:
    values = objective.advantages(rewards)
    assert [value for group in values for value in group] == pytest.approx(expected, abs=1e-9)


groups = st.integers(2, 9).flatmap(
    lambda size: st.lists(
        st.lists(st.floats(-50, 50, width=16), min_size=size, max_size=size), min_size=1, max_size=4
    )
)


@settings(deadline=None)
@given(rewards=groups, shift=st.floats(-100, 100), choice=st.sampled_from(sorted(ADVANTAGES)))
def test_a_group_is_balanced_and_a_constant_changes_nothing(
    rewards: list[list[float]], shift: float, choice: Advantage
) -> None:
    """What lets a reward leave out a constant, as certainty leaves out the logarithm of the vocabulary."""
    objective = TokenMean(advantage=choice)
    plain = objective.advantages(rewards)
    shifted = objective.advantages([[reward + shift for reward in group] for group in rewards])
    for one, other in zip(plain, shifted, strict=True):
        assert sum(one) == pytest.approx(0, abs=1e-6)
        assert other == pytest.approx(one, abs=1e-5)


@pytest.mark.parametrize("reward", [0.1, 0.7, 1e6 / 3])
@pytest.mark.parametrize("choice", sorted(ADVANTAGES))
def test_a_silent_group_teaches_exactly_nothing(reward: float, choice: Advantage) -> None:
    """Three times 0.1 is not 0.3: rounding must not be divided by a standard deviation of rounding."""
    for size in (3, 7):
        rewards = [[reward] * size, [2 * reward] + [reward] * (size - 1)]
        equal, unequal = TokenMean(advantage=choice).advantages(rewards)
        assert equal == [0.0] * size
        assert 0.0 not in unequal
        assert silent(torch.tensor(rewards)).tolist() == [True, False]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_no_number_is_refused_by_its_place(wrong: float) -> None:
    rewards = [[0.0, 1.0], [0.0, wrong]]
    with pytest.raises(InputError, match=rf"response 2 in group 2 of this step is {wrong}"):
        TokenMean().advantages(rewards)


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least two responses"):
        TokenMean().advantages([[1.0]] * 5)
