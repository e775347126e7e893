"""Mathematical answers against gold answers, in both directions, and exact numbers against sympy."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from genius_bench.evaluation.graders import maths
from genius_bench.evaluation.graders.notation import as_latex
from genius_bench.evaluation.graders.shapes import Shape, shape_of

PAIRS: dict[str, list[Any]] = yaml.safe_load(Path(__file__).with_name("maths_pairs.yaml").read_text())


def test_answers_are_equal_where_a_careful_reader_says_so() -> None:
    rows = [row for group in PAIRS.values() for row in group]
    pairs = [(one, other) for one, other, _ in rows] + [(other, one) for one, other, _ in rows]
    expected = [equal for *_, equal in rows] * 2
    found = maths.agree(pairs)
    wrong = [
        (pair, compared)
        for pair, compared, equal in zip(pairs, found, expected, strict=True)
        if compared.equal is not equal
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "piece", ["√(", "√{", "1", "1.", "0.1", ",111", "\\\\ab", "(", "\\{", " ", "½", "x^", "0.(1"]
)
def test_long_answers_are_rewritten_fast(piece: str) -> None:
    """The parent does this, where no limit of processor time ends it."""
    begun = time.process_time()
    as_latex((piece * 100_000)[:100_000])
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    "text", ["", "(", ")", "\\{", "1,", ",", "\\cup", "\\pm", "[1,2", "\\frac{1,2}{3}", "f(1,2)"]
)
def test_what_is_no_list_stays_one_value(text: str) -> None:
    shape = shape_of(text)
    assert shape == Shape("single", (text,))
