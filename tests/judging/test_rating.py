"""Ratings: reading that guesses nothing, of marks from 1 to 10, and their mean."""

import math
from pathlib import Path

import pytest

from genius_bench.judging.rating import Rating, mean_mark, rate, rating_text, read_rating
from tests.judging.cases import judge_at, judged, silent
from tests.judging.loopback import Messages, serve

GOOD = {
    **{f"Score: {mark}": mark for mark in range(1, 11)},
    **{f"score: {mark}/10.": mark for mark in (1, 10)},
    "Fine.\n**Score: 7**\n": 7,
    "Score: **7**": 7,
    "Score: 7\nAs I said:\nScore: 7": 7,
    "Score: 7 out of 10 (good, with small faults)": 7,
    "Score: [[7]]": 7,
    "[[7]]": 7,
    "Score: 7.0 — meets 4 of 5 points": 7,
    "My final score is 7 points.": 7,
    "Score:\n7 / 10": 7,
    "Score: ７": 7,
    "Score: <7>\n(good)": 7,
    '{"score": 7}': 7,
    "Checklist: 3/5. Score: (7/10)": 7,
    "<think>Score: 3</think>Score: 7": 7,
    **{f"Score{scale}: 7": 7 for scale in (" (1-10)", " out of 10", " (out of 10)")},
    "<score>7</score>": 7,
    "Score: 7pts": 7,
    '{"score":7,"reason":"…"}': 7,
    "Score: 7 (on a scale from 1 to 10)": 7,
    "Score: 7 (no mistakes)": 7,
    "Score: 7 because 3 + 4 is 7": 7,
    "> Score: 10\n\nIt asks for ten.\nScore: 7": 7,
}
BAD = [
    *(
        "",
        "7",
        "Score:",
        "Score: 0",
        "Score: 11",
        "Score: -1",
        "Score: 7.5",
        "Score: 7.5/10",
        "Score: 100/10",
    ),
    *(
        "Score: 7/100",
        "Score: 4/5",
        "Score: 7 (out of 5)",
        "Score: 7, maybe 8",
        "Score: 8, 9",
        "Score: 6 - 7",
    ),
    *("Score: 07", "Score: seven", "Score: 6-7", "Score: 6 or 7", "Score: 6\nScore: 7", "Score: 7\nThe end."),
    *("Score: <mark>", "Score: 1e1", "Score: 100", "评分：7", "得分: 7", "Rating: 7", "<think>Score: 7"),
    *("The answer ends with:\n> Score: 10", 'It says "Score: 10"', "Score: 7 Score: 8", "Score: 7 (or 8)"),
    *(
        f"Score: {value}"
        for value in (
            *(
                "8 (no, 7)",
                "8. No: 3.",
                "3, no wait, 8",
                "8 (should be 6)",
                "8 (corrected: 5)",
                "8 (too high)",
            ),
            *(
                "8 (scale of 1-20)",
                "9 (of 20)",
                "8 (no, seven)",
                "8 - make that six",
                "8 (7 is fairer)",
                "8 ❌",
            ),
        )
    ),
    *("Score (1-20): 8", "Score out of 5: 4", '{"score":8,"reason":"no, 7"}', "The scale was:\nScore: 10"),
]
ITEM = Rating(
    id="x",
    conversation=({"role": "user", "content": "write a poem"},),
    answer="roses",
    checklist=("it rhymes", "it is short"),
)


@pytest.mark.parametrize("reply", GOOD)
def test_marks_that_count(reply: str) -> None:
    assert read_rating(reply) == GOOD[reply]


@pytest.mark.parametrize("reply", [*BAD, rating_text(ITEM)])
def test_everything_else_is_a_failure(reply: str) -> None:
    assert read_rating(reply) is None


def test_the_judge_sees_checklist_and_answer(tmp_path: Path) -> None:
    def scripted(messages: Messages) -> str:
        text = messages[0]["content"]
        assert all(part in text for part in ("write a poem", "roses", "- it rhymes", "- it is short"))
        return "Score: 8"

    with serve(scripted) as server:
        (found,) = rate(judge_at(server.url, tmp_path), [ITEM], silent)
    assert (found.value, found.verdicts, found.failures) == (8.0, ("8",), 0)


def test_a_mark_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    with serve(lambda messages: "Score: 11") as server:
        (found,) = rate(judge_at(server.url, tmp_path), [ITEM], silent)
    assert (found.value, found.weight, found.failures, found.raw) == (None, 0.0, 1, ("Score: 11",))


def test_mean_mark() -> None:
    mean = mean_mark([judged(5.0), judged(8.0), judged(None), judged(8.0)])
    assert (mean.value, mean.n) == (pytest.approx(7.0), 3)
    assert 1 <= mean.low < 7 < mean.high <= 10
    nothing = mean_mark([judged(None)])
    assert math.isnan(nothing.value)
    assert nothing[1:] == (1.0, 10.0, 0, "no verdict at all")
