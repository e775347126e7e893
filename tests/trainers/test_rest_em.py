"""ReST-EM and RFT: which right solutions are imitated, and where every round begins."""

from typing import Any

import pytest

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration
from tests.trainers.support import PROMPT, ask, collect, in_turn, text_of
from trainers.rest_em import RestEM, RestEmOptions

WAYS = [f"Way {number}. The answer is 7." for number in range(32)]


def imitated(said: list[str], number: int = 0, **options: Any) -> list[str]:
    collected, _ = collect(RestEM, in_turn(*said), ask(answer="7", number=number), **options)
    assert all(isinstance(row, Demonstration) and row.weight == 1.0 for row in collected.rows)
    return [text_of(row.response_ids) for row in collected.rows if isinstance(row, Demonstration)]


def test_a_query_with_32_right_solutions_gives_ten_the_same_ones_in_any_order_of_arrival() -> None:
    kept = imitated(WAYS)
    assert len(set(kept)) == 10
    assert imitated(WAYS[::-1]) == imitated(WAYS[16:] + WAYS[:16]) == kept
    assert imitated(WAYS, number=1) != kept, "drawn by the query's own seed"
    assert kept != sorted(kept), "no first ten of anything"


def test_wrong_and_unfinished_solutions_are_left_out_and_counted() -> None:
    said = [*WAYS[:12], *["The answer is 8."] * 15, *["on and on and on and on and on and on"] * 5]
    collected, engine = collect(RestEM, in_turn(*said), ask(answer="7"), max_tokens=30)
    assert len(collected.rows) == 10
    assert collected.notes == {"unusable": 5, "wrong": 15, "left_out": 2}
    assert {(one.temperature, text_of(one.prompt_ids)) for one in engine.requests} == {(0.7, PROMPT)}
    assert collect(RestEM, in_turn(*["The answer is 8."] * 32), ask(answer="7"))[0].rows == []


def test_equal_solutions_weigh_as_often_as_they_were_drawn_but_not_for_rft() -> None:
    twice = (
        ["2 + 5 = 7. The answer is 7."] * 3
        + ["We add: 2+5 = 7, so the answer is 7."]
        + ["14 / 2 = 7\n#### 7"]
    )
    assert len(imitated(twice, responses=5)) == 5
    distinct = imitated(twice, responses=5, distinct="equations")
    assert len(distinct) == 2
    assert twice[4] in distinct


def test_every_round_begins_at_the_base_model_and_rft_has_one() -> None:
    method = RestEM(RestEmOptions())
    assert (method.iterations, [method.restarts_from_base(number) for number in (1, 2, 3)]) == (3, [True] * 3)
    assert not RestEM(RestEmOptions(restart=False)).restarts_from_base(2)
    rft = resolve({"method": "rest-em", "variant": "rft", "model": "other"}).method
    assert (rft.iterations, rft.options.responses, rft.options.distinct, rft.options.keep) == (
        1,
        100,
        "equations",
        10,
    )


@pytest.mark.parametrize("gold", ["#### 7", "7", "The answer is 7.0"])
def test_the_gold_answer_may_be_a_whole_solution(gold: str) -> None:
    collected: Collected = collect(RestEM, in_turn("So it is 7.\n#### 7"), ask(answer=gold), responses=1)[0]
    assert len(collected.rows) == 1
