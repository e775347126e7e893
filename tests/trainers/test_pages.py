"""What a plug-in is as a text: a page, and none that repeats another."""

import ast
from itertools import combinations
from pathlib import Path

import pytest

PAGES = sorted(
    path for path in Path(__file__).parents[2].joinpath("trainers").glob("*.py") if path.stem != "__init__"
)
LONGEST = 110
LIKE = 6


def lines_of(page: Path) -> list[str]:
    """Its lines without blanks and imports, which say what is shared."""
    text = page.read_text(encoding="utf-8")
    imports = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    numbered = enumerate(text.splitlines(), start=1)
    return [line.strip() for number, line in numbered if line.strip() and number not in imports]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_method_is_a_page(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_what_two_methods_share_is_written_once() -> None:
    runs = {
        page.stem: {tuple(lines[start : start + LIKE]) for start in range(len(lines) - LIKE + 1)}
        for page in PAGES
        for lines in [lines_of(page)]
    }
    assert {pair: same for pair in combinations(runs, 2) if (same := runs[pair[0]] & runs[pair[1]])} == {}
