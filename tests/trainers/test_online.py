"""The online methods: what each rewards, held against hand-counted votes and the laws of chance."""

from typing import Any

import numpy as np
import pytest

from genius_bench.engines.interface import Completion
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online_method import OnlineMethod
from genius_bench.rows import Query
from trainers.random_reward import RandomReward
from trainers.ttrl import TTRL


def rewards(method: type[OnlineMethod], texts: list[str], seed: int = 0, **labels: Any) -> list[float]:
    query = Query(id="q", messages=({"role": "user", "content": "?"},), **labels)
    responses = [
        Completion(token_ids=(1,), text=text, logprobs=(-1.0,), finish_reason="eos") for text in texts
    ]
    return method(method.Options()).reward(query, responses, np.random.default_rng(seed))


def said(*answers: str) -> list[str]:
    return [f"So the answer is {answer}." if answer else "I wonder." for answer in answers]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["7", "7", "", "9", "7", "9", "", "8"], [1, 1, 0, 0, 1, 0, 0, 0]),
        (["", "", "", "4", "5", "4"], [0, 0, 0, 1, 0, 1]),
        (["7", "9", "9", "7"], [0, 0, 0, 0]),  # a tie has no winner
        (["", "", ""], [0, 0, 0]),
        (["7.0", "7", "9"], [1, 1, 0]),  # equal numbers are one answer
    ],
)
def test_ttrl_rewards_the_majority(answers: list[str], expected: list[float]) -> None:
    assert rewards(TTRL, said(*answers)) == expected


def test_a_vote_in_advantages_is_that_of_the_family() -> None:
    """Three of eight agree; the values are those of the formula with Bessel's correction and 1e-6."""
    (found,) = TokenMean().advantages([rewards(TTRL, said("7", "7", "", "9", "7", "9", "", "8"))])
    assert found == pytest.approx([1.20761239552 if r else -0.724567437312 for r in (1, 1, 0, 0, 1, 0, 0, 0)])


@pytest.mark.parametrize("method", [TTRL, RandomReward])
def test_no_label_is_seen(method: type[OnlineMethod]) -> None:
    texts = said("7", "7", "9")
    assert rewards(method, texts) == rewards(method, texts, answer="9", reference="r")
    assert not method(method.Options()).needs


def test_a_random_reward_is_a_fair_coin_that_comes_again() -> None:
    tossed = [rewards(RandomReward, [""] * 8, seed) for seed in range(500)]
    assert abs(np.mean(tossed) - 0.5) < 4 * 0.5 / np.sqrt(4000)
    assert tossed == [rewards(RandomReward, ["else"] * 8, seed) for seed in range(500)]
    assert {one for some in tossed for one in some} == {0.0, 1.0}
