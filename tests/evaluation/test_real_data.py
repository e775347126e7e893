"""Gold solutions fed as answers: the robust graders accept them. Prints what the published rule makes of the same."""

import os
from pathlib import Path

import pytest

from genius_bench.evaluation import graders
from genius_bench.evaluation.bridge import gold_text
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.graders import maths

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("GENIUS_BENCH_TEST_DATA") or ROOT.parent / "shared" / "data")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"no benchmark items in {FOLDER} (GENIUS_BENCH_TEST_DATA)"
    ),
]


@pytest.mark.parametrize("name", ["gsm8k", "math500", "math", "arc_challenge"])
def test_items_are_those_expected(name: str) -> None:
    items = load_items(task_card(name), str(FOLDER))
    assert not items.changed
    assert len(set(items.ids)) == task_card(name).facts.expected_items


@pytest.mark.parametrize(
    ("name", "column"), [("gsm8k", "answer"), ("math500", "solution"), ("math", "solution")]
)
def test_gold_solutions_are_right(name: str, column: str, capsys: pytest.CaptureFixture[str]) -> None:
    card = task_card(name)
    items = [
        (row[column], graders.Item(gold=gold_text(card, row))) for row in load_items(card, str(FOLDER)).rows
    ]
    robust = [verdict.correct for verdict in graders.grade(card.facts.grader, items)]
    published = [graders.grade_released("math", card.facts.grader, *pair).correct for pair in items]
    with capsys.disabled():
        print(f"\n{name}: robust {mean(robust):.2%}, published rule {mean(published):.2%} of {len(items)}")
    assert mean(robust) >= 0.995


def test_gold_numbers_are_those_after_the_hashes() -> None:
    for row in load_items(task_card("gsm8k"), str(FOLDER)).rows:
        gold = graders.gold_answer("number", graders.Item(gold=row["answer"]))
        assert float(gold) == int(row["answer"].rsplit("####", 1)[1].replace(",", ""))


def test_math_verify_itself_accepts_gold_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the short cut for equal text, which the other test rides on."""
    monkeypatch.setattr(maths, "_decided_at_sight", lambda answer, gold: None)
    rows = load_items(task_card("math500"), str(FOLDER)).rows
    verdicts = maths.agree([(row["answer"], row["answer"]) for row in rows])
    assert mean([verdict is True for verdict in verdicts]) >= 0.995


def mean(values: list[bool]) -> float:
    return sum(values) / len(values)
