"""Meta-judgements: verdicts, weighted battles, ratings; and tiers of scores in which length decides."""

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import minimize

from genius_bench.sampling.meta_judging import battles, elo, meta_prompt, read_winner
from genius_bench.sampling.tiers import length_controlled

WINS = np.array([[0, 3.0, 2.0], [1.0, 0, 1.5], [2.0, 0.5, 0]])


def test_ratings_are_the_maximum_of_the_likelihood_with_sum_zero() -> None:
    """Three judgements worked out by 20,000 steps of gradient ascent; others by scipy."""
    assert elo(WINS) == pytest.approx([0.340550415844, -0.170275207922, -0.170275207922], abs=1e-6)
    for seed in range(3):
        wins = np.random.default_rng(seed).random((6, 6)) * (1 - np.eye(6))
        found = minimize(
            lambda e, wins=wins: (wins * np.log1p(np.exp(e[None] - e[:, None]))).sum(), np.zeros(6), tol=1e-12
        ).x
        assert elo(wins) == pytest.approx(found - found.mean(), abs=1e-5)
        assert elo(wins).sum() == pytest.approx(0, abs=1e-12)


def test_ratings_do_not_depend_on_the_order() -> None:
    for order in permutations(range(3)):
        assert elo(WINS[np.ix_(order, order)]) == pytest.approx(elo(WINS)[list(order)], abs=1e-9)
    assert elo(WINS.T) == pytest.approx(-elo(WINS), abs=1e-9), "whoever won has lost"
    assert elo(np.zeros((4, 4))) == pytest.approx(np.zeros(4))


def test_a_judgement_that_wins_or_loses_everything_has_a_finite_rating() -> None:
    wins = np.triu(np.ones((5, 5)), 1)
    ratings = elo(wins)
    assert np.isfinite(ratings).all()
    assert (np.diff(ratings) < 0).all()


def test_a_place_that_wins_more_often_weighs_less() -> None:
    """Three of eight wins are in first place: ω₁ = .625, ω₂ = .375."""
    verdicts = {
        (0, 1): "first",
        (1, 0): "second",  # 0 wins both
        (0, 2): "first",
        (2, 0): "first",  # each wins in first place
        (1, 2): "second",
        (2, 1): "second",  # each wins in second place
        (0, 3): "second",
        (3, 0): "second",
        (1, 3): None,  # unreadable: nobody's win
    }
    wins = battles(verdicts, 4)  # type: ignore[arg-type]
    expected = np.zeros((4, 4))
    expected[0, 1] = 0.625 + 0.375
    expected[0, 2] = expected[2, 0] = 0.625
    expected[2, 1] = expected[1, 2] = 0.375
    expected[3, 0] = expected[0, 3] = 0.375
    assert wins == pytest.approx(expected)


def test_a_meta_judge_that_only_looks_at_the_place_says_nothing() -> None:
    always_first = dict.fromkeys(permutations(range(3), 2), "first")
    assert not battles(always_first, 3).any()  # type: ignore[arg-type]
    assert not battles({}, 3).any()


@pytest.mark.parametrize(
    ("reply", "winner"),
    [
        ("A is fairer.\nWinner: A", "first"),
        ("**Winner: B**", "second"),
        ("The winner is judgement B.", None),
        ("Winner is Judgment b", "second"),
        ("Winner: A or B", None),
        ("Winner: A\nBut then again, no.", None),
        ("Winner: C", None),
        ("<think>Winner: A</think>\nWinner: B", "second"),
        ("> Winner: A", None),
        ("", None),
    ],
)
def test_only_a_last_line_that_names_one_is_a_verdict(reply: str, winner: str | None) -> None:
    assert read_winner(reply) == winner


def test_exchanging_the_judgements_exchanges_the_prompt() -> None:
    there, back = meta_prompt("task", "<1>", "<2>"), meta_prompt("task", "<2>", "<1>")
    assert there != back
    assert there.replace("<1>", "<0>").replace("<2>", "<1>").replace("<0>", "<2>") == back


def test_length_decides_within_a_tier() -> None:
    """ρ = 0.1: the top tier begins at 4.34, the bottom one ends at 2.26."""
    scores, lengths = [4.6, 4.5, 3.0, 2.1, 2.0], [900, 400, 500, 700, 300]
    assert length_controlled(scores, lengths, 0.1) == (1, 3)
    assert length_controlled(scores, lengths, 0.0) == (0, 4), "without control the best against the worst"
    assert length_controlled(
        [4.6, None, 4.5, 3.0, None, 2.1, 2.0], [900, 1, 400, 500, 9999, 700, 300], 0.1
    ) == (2, 5)


def test_a_score_on_the_edge_of_a_tier_belongs_to_it() -> None:
    scores, lengths = [5.0, 4.6, 3.0, 1.4, 1.0], [90, 10, 50, 80, 20]
    assert length_controlled(scores, lengths, 0.1) == (1, 3)
    assert length_controlled(scores, lengths, 0.0999) == (0, 4)
    assert 3.1 - 0.1 * (3.1 - 0.3) > 2.82, "which is equal but for the last bit"
    assert length_controlled([3.1, 2.82, 0.3], [20, 10, 5], 0.1) == (1, 2)


def test_equal_scores_make_no_pair_and_equal_lengths_leave_the_score_to_decide() -> None:
    assert length_controlled([3.0, 3.0], [10, 20], 0.4) is None
    assert length_controlled([3.0, None], [10, 20], 0.4) is None
    assert length_controlled([None, None], [10, 20], 0.4) is None
    assert length_controlled([4.9, 5.0, 1.1, 1.0], [10, 10, 10, 10], 0.4) == (1, 3)
