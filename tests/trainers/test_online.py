"""The online methods: what each rewards, held against votes counted by hand, published vectors and chance."""

from typing import Any

import numpy as np
import pytest

from genius_bench.engines.interface import Completion
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online_method import Group, OnlineMethod
from genius_bench.registry import load
from genius_bench.resolution import resolve
from genius_bench.rows import Message, Query

METHODS = ["ttrl", "intuitor", "rent", "empo", "co-rewarding"]
CONTROLS = ["random-reward", "format-reward", "gold-grpo", "wrong-majority"]
CERTAINTIES = (0.754128159669, 2.417157072908, 0.0)
ENTROPIES = (0.961722362888, 0.157817250649, 1.609437912434)
MIXED = ["7", "7", "", "9", "7", "9", "", "8"]


def said(*answers: str) -> list[Completion]:
    return [
        Completion(
            token_ids=(1, 2, 3),
            text=f"So the answer is {answer}." if answer else "I wonder.",
            logprobs=(-1.0,) * 3,
            finish_reason="eos",
            entropies=tuple(number * entropy for entropy in ENTROPIES),
            certainties=tuple(certainty / number for certainty in CERTAINTIES),
        )
        for number, answer in enumerate(answers, 1)
    ]


def rewards(
    method: str,
    *answers: str,
    teacher: tuple[str, ...] = (),
    reworded: tuple[str, ...] = (),
    seed: int = 0,
    gold: str | None = None,
    **options: Any,
) -> list[float]:
    plugin: type[OnlineMethod] = load("methods", method)
    query = Query(id="q", messages=(Message(role="user", content="?"),), answer=gold, reference=gold)
    group = Group(query, said(*answers), np.random.default_rng(seed), said(*teacher), said(*reworded))
    return plugin(plugin.Options(**options)).reward(group)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (MIXED, [1, 1, 0, 0, 1, 0, 0, 0]),
        (["", "", "", "4", "5", "4"], [0, 0, 0, 1, 0, 1]),
        (["7", "9", "9", "7"], [0, 0, 0, 0]),  # a tie has no winner
        (["", "", ""], [0, 0, 0]),
        (["7.0", "7", "9"], [1, 1, 0]),  # equal numbers are one answer
    ],
)
def test_ttrl_rewards_the_majority(answers: list[str], expected: list[float]) -> None:
    assert rewards("ttrl", *answers) == expected


def test_a_vote_in_advantages_is_that_of_the_family() -> None:
    """Three of eight agree; the values are those of the formula with Bessel's correction and 1e-6."""
    (found,) = TokenMean().advantages([rewards("ttrl", *MIXED)])
    assert found == pytest.approx([1.20761239552 if r else -0.724567437312 for r in (1, 1, 0, 0, 1, 0, 0, 0)])


def test_releases_of_the_vote() -> None:
    """TTRL's lets the empty answer vote and win, SRT's soft reward is the share among stated answers."""
    silent = ["", "", "", "4", "5", "4"]
    assert rewards("ttrl", *silent, unparsable="counted", ties="first") == [1, 1, 1, 0, 0, 0]
    assert rewards("ttrl", "7", "9", "9", "7", ties="first") == [1, 0, 0, 1]
    assert rewards("ttrl", *MIXED, worth="share") == pytest.approx(
        [1 / 2, 1 / 2, 0, 1 / 3, 1 / 2, 1 / 3, 0, 1 / 6]
    )


def test_a_vote_that_few_agree_on_is_worth_nothing() -> None:
    """Three of the six that state an answer agree."""
    for worth, expected in (("agreement", 1), ("share", 1 / 2)):
        assert rewards("ttrl", *MIXED, worth=worth, least_share=0.5)[0] == expected
        assert rewards("ttrl", *MIXED, worth=worth, least_share=0.51) == [0] * 8


def test_confidence_is_a_mean_over_tokens_of_the_drawing_policys_distributions() -> None:
    assert rewards("intuitor", "7", "") == pytest.approx([1.057095077526, 1.057095077526 / 2])
    assert rewards("rent", "7", "") == pytest.approx([-0.909659175324, -2 * 0.909659175324])
    assert rewards("rent", "7", last=1 / 3) == pytest.approx([-1.609437912434])
    assert rewards("rent", "7", "", unparsable="punished") == pytest.approx([-0.909659175324, -7])


def test_clusters_keep_a_minoritys_share() -> None:
    """The vectors of both releases: empty answers apart or together, and nothing where nobody agrees."""
    assert rewards("empo", *MIXED) == [0.375, 0.375, 0, 0.25, 0.375, 0.25, 0, 0.125]
    assert rewards("empo", *MIXED, unparsable="apart", scattered="rewarded") == [
        0.375,
        0.375,
        0.125,
        0.25,
        0.375,
        0.25,
        0.125,
        0.125,
    ]
    assert rewards("empo", "1", "2", "3") == [0, 0, 0]
    for band in ({"least_entropy": 1.3209}, {"most_entropy": 1.3208}):  # the vector's is 1.320888343149
        assert rewards("empo", *MIXED, **band) == [0] * 8  # type: ignore[arg-type]
    assert rewards("empo", *MIXED, least_entropy=1.3208, most_entropy=1.3209)[0] == 0.375


def test_the_teachers_majority_is_the_label_not_ones_own() -> None:
    assert rewards("co-rewarding", "7", "7", "9", teacher=("9", "9", "7")) == [0, 0, 1]
    assert rewards("co-rewarding", "7", "7", "9", teacher=("9", "7", "")) == [0, 0, 0]


def test_two_wordings_vote_on_each_other() -> None:
    one, other = ("7", "7", "9", ""), ("9", "9", "7", "")
    for mine, theirs in ((one, other), (other, one)):
        assert rewards("co-rewarding", *mine, reworded=theirs, voters="rephrased") == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("variant", "weights"), [("paper", (0.01, 0.00505, 0.0001)), ("released", (0.01, 0.005005, 0.00001))]
)
def test_the_teacher_follows_along_half_a_cosine(variant: str, weights: tuple[float, ...]) -> None:
    method = resolve({"method": "co-rewarding", "variant": variant, "model": "other"}).method
    assert isinstance(method, OnlineMethod)
    assert [method.teacher_weight(progress) for progress in (0, 0.5, 1)] == pytest.approx(list(weights))


def test_controls() -> None:
    assert rewards("gold-grpo", *MIXED, gold="9") == [0, 0, 0, 1, 0, 1, 0, 0]
    assert rewards("gold-grpo", "1,234.00", "1234", "12", gold="Some steps.\n#### 1,234") == [1, 1, 0]
    assert rewards("wrong-majority", *MIXED, gold="7") == [0, 0, 0, 1, 0, 1, 0, 0]
    assert rewards("wrong-majority", *MIXED, gold="9") == [1, 1, 0, 0, 1, 0, 0, 0]
    assert rewards("format-reward", *MIXED) == [1, 1, 0, 1, 1, 1, 0, 1]


@pytest.mark.parametrize("method", [*METHODS, "random-reward", "format-reward"])
def test_no_label_is_seen(method: str) -> None:
    assert rewards(method, *MIXED, teacher=("9",)) == rewards(method, *MIXED, teacher=("9",), gold="9")
    assert not load("methods", method).needs


def test_a_random_reward_is_a_fair_coin_that_comes_again() -> None:
    tossed = [rewards("random-reward", *[""] * 8, seed=seed) for seed in range(500)]
    assert abs(np.mean(tossed) - 0.5) < 4 * 0.5 / np.sqrt(4000)
    assert tossed == [rewards("random-reward", *["else"] * 8, seed=seed) for seed in range(500)]
    assert {one for some in tossed for one in some} == {0.0, 1.0}


@pytest.mark.parametrize("method", [*METHODS, *CONTROLS])
@pytest.mark.parametrize("model", ["lab", "other"])
def test_signals_are_compared_and_not_recipes(method: str, model: str) -> None:
    """Everything but the method's own rules is the same for all."""
    shared = set(load("methods", "random-reward").Options.model_fields)
    recipes = [resolve({"method": name, "model": model}).recipe for name in (method, "random-reward")]
    one, other = (
        recipe.model_copy(update={"method": "", "sampling": {key: recipe.sampling[key] for key in shared}})
        for recipe in recipes
    )
    assert one == other


def test_silent_groups_by_chance() -> None:
    """At p = 0.9 and eight responses a coin leaves 0.9⁸ + 0.1⁸ of the groups without a signal."""
    groups = [[float(one < 0.9) for one in np.random.default_rng(seed).random(8)] for seed in range(4000)]
    silent = np.mean([not any(one) for one in TokenMean().advantages(groups)])
    expected = 0.9**8 + 0.1**8
    assert abs(silent - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)
    assert expected == pytest.approx(0.430, abs=1e-3)
