"""pass@k and maj@k against brute force over all draws; which numbers a task gets."""

from itertools import combinations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.evaluation.metrics import FAILURES, item_values, item_values_of, scores_of


def row(
    item: str, repeat: int, correct: bool | float, vote: str = "", released: bool = False
) -> dict[str, Any]:
    failures = dict.fromkeys(FAILURES, False)
    return {
        "item_id": item, "repeat": repeat, "correct": correct, "released_correct": released, "vote": vote, **failures
    }  # fmt: skip


def samples(verdicts: list[bool], votes: list[str] | None = None) -> list[dict[str, Any]]:
    votes = votes or [""] * len(verdicts)
    return [
        row("a", number, verdict, vote)
        for number, (verdict, vote) in enumerate(zip(verdicts, votes, strict=True), 1)
    ]


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 9))
def test_pass_at_k_is_the_mean_over_all_draws_of_k(verdicts: list[bool], k: int) -> None:
    k = min(k, len(verdicts))
    draws = list(combinations(verdicts, k))
    expected = sum(any(draw) for draw in draws) / len(draws)
    assert item_values(samples(verdicts), f"pass@{k}")["a"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("votes", "right", "expected"),
    [
        (["7", "7", "3", "2"], "7", 1.0),
        (["7", "3", "3", "2"], "7", 0.0),
        (["7", "7", "3", "3"], "7", 0.5),
        (["", "", "", "7"], "7", 1.0),
        (["", "", "", ""], "7", 0.0),
        (["7", "3", "2", "1"], "7", 0.25),
    ],
)
def test_majority_votes(votes: list[str], right: str, expected: float) -> None:
    rows = samples([vote == right for vote in votes], votes)
    assert item_values(rows, "maj@4")["a"] == expected


@settings(deadline=None)  # the first call imports the arithmetic of columns
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans(), st.sampled_from(["", "7", "3"])),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["greedy", "sampled", "truncated", "unreadable_greedy", "win_rate[j]", "maj@2"]),
)
def test_columns_have_the_values_of_rows(answers: list[tuple[str, int, bool, str]], metric: str) -> None:
    rows = [row(*answer) | {"truncated": not answer[2], "format_failure": answer[2]} for answer in answers]
    assert item_values_of(pa.Table.from_pylist(rows), metric) == pytest.approx(item_values(rows, metric))


def test_the_greedy_answer_is_no_sample() -> None:
    rows = [row("a", 0, True, "7"), *samples([False, False], ["3", "3"])]
    assert (
        item_values(rows, "pass@2")["a"]
        == item_values(rows, "maj@2")["a"]
        == item_values(rows, "sampled")["a"]
        == 0
    )
    assert item_values(rows, "greedy")["a"] == 1


def names(rows: list[dict[str, Any]], **options: Any) -> tuple[set[str], str | None]:
    found = scores_of("task", rows, {}, **options)
    return {one.metric for one in found}, found[0].details["headline"]


def test_a_task_gets_the_numbers_that_its_answers_can_carry() -> None:
    greedy, four = [row("a", 0, True, "7")], samples([True] * 4, ["7"] * 4)
    assert {"greedy", "sampled", "pass@2", "pass@4", "maj@4"} <= names(greedy + four)[0]
    assert names(greedy)[1] == "greedy"
    assert "pass@2" not in names(four[:1])[0]
    assert "greedy" not in names(four[:1])[0], "a protocol without a greedy answer has no such number"
    assert names(greedy + four)[1] == "sampled"
    assert names(four, released=True, headline="released")[1] == "released_sampled"
    code = samples([True] * 4)
    assert "maj@4" not in names(code)[0], "programs are not compared"
    assert names(greedy, graded=False) == ({"truncated", "empty", "error"}, None)


def test_the_judge_is_part_of_the_metric() -> None:
    rows = [row("a", 0, 0.75), row("b", 0, 0.25)]
    found, headline = names(rows, judge=("comparison", "gpt-4o"))
    assert headline == "win_rate[gpt-4o]"
    assert "greedy" not in found
    [score] = [
        one for one in scores_of("t", rows, {}, judge=("comparison", "gpt-4o")) if one.metric == headline
    ]
    assert score.value == 50
