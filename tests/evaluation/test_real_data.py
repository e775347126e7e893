"""Gold solutions fed as answers: the robust graders accept them. Prints what the published rule makes of the same."""

from pathlib import Path

import pytest

from genius_bench.evaluation import graders
from genius_bench.evaluation.bridge import gold_text
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.graders import maths
from genius_bench.evaluation.verifying import verify
from tests.evaluation.real_data import FOLDER, MISSING, TASKS, link

pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(link(tmp_path_factory.mktemp("data")))


@pytest.mark.parametrize("name", TASKS)
def test_items_are_those_expected(name: str, data: str) -> None:
    items = load_items(task_card(name), data)
    assert not items.changed
    assert len(set(items.ids)) == task_card(name).facts.expected_items


@pytest.mark.parametrize(
    "name", ["logiqa", "strategyqa", "arc_challenge", "mmlu", "mmlu_pro", "aime24", "mbpp"]
)
def test_every_gold_answer_scores(name: str, data: str) -> None:
    found = verify(task_card(name), data)
    assert found.sound, found.refused[:5]
    assert found.note or found.graded == task_card(name).facts.expected_items


def test_the_letter_counts_where_the_source_contradicts_itself(data: str) -> None:
    """MMLU-Pro's item 3983 says C and points at option B."""
    [row] = [row for row in load_items(task_card("mmlu_pro"), data).rows if row["question_id"] == 3983]
    assert gold_text(task_card("mmlu_pro"), row) == "C"


def test_other_or_fewer_items_are_told(data: str, tmp_path: Path) -> None:
    lines = (Path(data) / "aime24" / "train.jsonl").read_text().splitlines()
    (tmp_path / "aime24").mkdir()
    for changed in (lines[:-1], [lines[0].replace("9", "8", 1), *lines[1:]]):
        (tmp_path / "aime24" / "train.jsonl").write_text("\n".join(changed))
        assert load_items(task_card("aime24"), str(tmp_path)).changed
    (tmp_path / "aime24" / "train.jsonl").write_text("\n".join(reversed(lines)))
    assert not load_items(task_card("aime24"), str(tmp_path)).changed, "the order of a file is no change"


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
    assert mean([verdict.equal is True for verdict in verdicts]) >= 0.995


def mean(values: list[bool]) -> float:
    return sum(values) / len(values)
