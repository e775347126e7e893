"""Reading judgements, also bad ones."""

import pytest

from genius_bench.sampling.judging import RUBRICS, mean_score, read_score


@pytest.mark.parametrize(
    ("judgement", "score"),
    [
        ("All steps are right.\nScore: 5", 5),
        ("Score: 0", 0),
        ("**Score:** 4/5", 4),
        ("**Score: 3**.", 3),
        ("Score: <2>", 2),
        ("Score (0-5): 4", 4),
        ("Score:\n4", 4),
        ("Score: 4 out of 5, well done", 4),
        ("score: 4.5", 4.5),
        ("Score: 4,5", 4.5),
        ("Score: 1 + 1 + 1 = 3", 3),
        ("Score: 3\nOn reflection:\nScore: 4", 4),  # two scores: the last
        ("Score: 5\nScore: n/a", 5),
        ("答案很好。Score：４", 4),
        ("Die Antwort ist richtig.\nScore: 4", 4),
        ("Die Antwort ist richtig.\nPunktzahl: 4", None),
        ("得分：4", None),
        ("I like it very much.", None),
        ("", None),
        ("Score: four", None),
        ("Score: 11", None),
        ("Score: 3\nScore: 11", None),
        ("Score: 5.5", None),
        ("Score: -1", None),
        ("Score: 8/10", None),
        ("Score: 4/10", None),
        ("Score: 3-4", None),
        ("Score: 3 to 4", None),
        ("Score: 1 + 1", None),
        ("Score: 3 or 4", None),
        ("Score: 4 (out of 10)", None),
        ("Score (out of 10): 4", None),
        ("Score: 4 out of a possible 10", None),
        ("Score: 4, out of a possible 5", 4),
        *((f"Score: {value}", None) for value in ("4 (no, 3)", "4. No: 3.", "4 (should be 2)", "3 (of 20)")),
        ("Score: 4 because 3 + 4 is 7", 4),
        ("Score: 4, meets 4 of 5 points", 4),
        ("The format was:\nScore: 5", None),
        ("My judgement:\nScore: 5", 5),
        ("<think>Score: 1</think>Score: 4", 4),
        ("<think>Score: 4", None),
        ("Score: 2\nIt ends with:\n> Score: 5", 2),
    ],
)
def test_scores_are_read_or_refused(judgement: str, score: float | None) -> None:
    assert read_score(judgement) == score


def test_valid_scores_are_averaged() -> None:
    assert mean_score([4, None, 5]) == 4.5
    assert mean_score([0.0]) == 0.0
    assert mean_score([None, None]) is None


@pytest.mark.parametrize("rubric", RUBRICS.values())
def test_rubrics_show_question_and_answer_and_ask_for_the_scale(rubric: object) -> None:
    assert callable(rubric)
    prompt = rubric("What is {x}?", "It is {y}.")
    assert all(part in prompt for part in ("What is {x}?", "It is {y}.", "0 to 5"))
    assert read_score(prompt) is None, "a judge that repeats its instructions has given no score"
