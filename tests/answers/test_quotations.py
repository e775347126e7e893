"""What a text quotes is told from what it says, whatever its size."""

import time

import pytest

from genius_bench.answers.quotations import own_lines


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("one\n\n> two\nthree", ["one", "three"]),
        ("one\n```\ntwo\n```\nthree", ["one", "three"]),
        ("one\n~~~text\ntwo\nthree", ["one"]),
        ("one.\n```\ntwo\n```", ["one.", "two"]),
        ("one:\n```\ntwo\n```", ["one:"]),
        ("**one:**\n```\ntwo\n```\n", ["**one:**"]),
        ("```\none\n```", ["one"]),
        ("```\none\ntwo\n```", []),
        ("```one```", ["```one```"]),
        ("a <answer_b>one\n<answer_a>two</answer_b> b\n</answer_a>", ["a  b", "</answer_a>"]),
        ("<answer>one\ntwo", ["<answer>one", "two"]),
    ],
)
def test_quotations_are_no_own_lines(text: str, own: list[str]) -> None:
    assert own_lines(text) == own


def test_tags_that_are_never_closed_take_no_time() -> None:
    start = time.process_time()
    own_lines("<answer>" * 50_000 + "<response>" * 50_000)
    assert time.process_time() - start < 2
