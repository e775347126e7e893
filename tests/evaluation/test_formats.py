"""Checks of an answer's form, by hand; rows whose checks are none, and names that cannot be chosen."""

import json
from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import read_card, task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.graders import Item, grade, vote
from genius_bench.evaluation.graders.formats import first_failed

LIST = "- Snow falls.\n- Ice is cold!\n\n- Is it dark?"


@pytest.mark.parametrize(
    ("text", "passed", "failed"),
    [
        (LIST, ["bullets 3"], ["bullets 2", "bullets 4", "lowercase"]),
        ("* one\n• two\n-three", ["bullets 2", "lowercase"], ["bullets 3"]),
        ("Here are 2:\n- a\n- b", ["bullets 2"], ["bullets 3"]),
        ("Snow is 3.5 m deep. I like it!", ["sentences 2"], ["sentences 1", "sentences 3"]),
        ('He said "stop." Then he left.', ["sentences 2"], ["sentences 1"]),
        ("One. Two. And", [], ["sentences 2", "sentences 3"]),
        ("No end", [], ["sentences 1"]),
        ("Snowy days", ["words 2-3", "includes days"], ["includes Snow", "words 3-9", "words 0-1"]),
        ("SNOW!", ["includes snow", "begins SNOW", "ends !"], ["begins snow", "ends snow"]),
        ("  In short: yes. That is all.\n", ["begins In short:", "ends That is all."], ["ends all"]),
        ("<think>- a\n- b</think>all small, 7", ["lowercase"], ["bullets 2"]),
        ("123", [], ["lowercase"]),
        ("", [], ["sentences 1", "bullets 1", "lowercase", "includes a"]),
    ],
)
def test_what_a_text_passes(text: str, passed: list[str], failed: list[str]) -> None:
    assert [check for check in passed if first_failed(text, [check])] == []
    assert [check for check in failed if first_failed(text, [check]) is None] == []


def test_a_verdict_says_what_failed_first_and_nothing_is_voted_on() -> None:
    item = Item(gold="", tests=("bullets 3", "includes ice", "lowercase"))
    [verdict, right] = grade("format", [(LIST, item), (LIST.lower(), item)])
    assert (verdict.correct, verdict.extracted) == (False, "not lowercase")
    assert right.correct
    assert vote("format", right.extracted) == ""


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([], "where a list of checks belongs"),
        (None, "where a list of checks belongs"),
        (["bullets"], "has no check 'bullets': there are begins, bullets"),
        (["bullets 0"], "has no check 'bullets 0'"),
        (["rhymes yes"], "has no check 'rhymes yes'"),
        (["lowercase all"], "has no check 'lowercase all'"),
        (["includes  "], "has no check"),
        ([3], "has no check 3"),
    ],
)
def test_a_row_without_proper_checks_is_refused(tests: object, said: str, tmp_path: Path) -> None:
    card = task_card("plain_formats")
    card = card.model_copy(update={"facts": card.facts.model_copy(update={"items": None})})
    (tmp_path / card.name).mkdir()
    row = {"question": "Write.", "answer": "Yes.", "tests": tests, "slices": []}
    (tmp_path / card.name / "test.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(
        InputError, match=r"^task 'plain_formats': row 1 of split 'test': column 'tests'"
    ) as error:
        load_items(card, str(tmp_path))
    assert said in str(error.value)


def test_a_gold_name_that_is_not_to_choose_from_is_refused(tmp_path: Path) -> None:
    card = task_card("plain_facts")
    card = card.model_copy(update={"facts": card.facts.model_copy(update={"items": None})})
    (tmp_path / card.name).mkdir()
    row = {"question": "Who?", "answer": "Ann", "options": ["Bea", "Carl"], "slices": []}
    (tmp_path / card.name / "test.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(
        InputError, match=r"the answer is 'Ann' \(column 'answer'\), which is none of column 'options'$"
    ):
        load_items(card, str(tmp_path))


def test_names_to_choose_from_must_be_said(tmp_path: Path) -> None:
    text = task_card("plain_facts").path.read_text().replace("  options: options\n", "")
    (tmp_path / "plain_facts").mkdir()
    (tmp_path / "plain_facts" / "task.yaml").write_text(text)
    with pytest.raises(InputError, match=r"'metadata\.options' must name the column"):
        read_card(tmp_path / "plain_facts" / "task.yaml")
