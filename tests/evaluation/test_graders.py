"""Graders against a table of nasty answers, and the published rules beside them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from genius_bench.answers import number
from genius_bench.answers.places import last_boxed
from genius_bench.evaluation import graders
from genius_bench.evaluation.graders import Item, maths, released, workers

CASES: dict[str, list[list[Any]]] = yaml.safe_load(Path(__file__).with_name("nasty_answers.yaml").read_text())


def item(gold: str) -> Item:
    return Item(gold=gold, labels=("A", "B", "C", "D"), options=("alpha", "beta", "gamma", "delta"))


@pytest.mark.parametrize("grader", ["number", "math", "option", "yes_no"])
def test_robust_graders(grader: Any) -> None:
    cases = CASES[grader]
    verdicts = graders.grade(grader, [(text, item(gold)) for text, gold, _, _ in cases])
    wrong = [
        (text, gold, verdict)
        for (text, gold, extracted, correct), verdict in zip(cases, verdicts, strict=True)
        if verdict.correct != correct or not same(verdict.extracted, extracted)
    ]
    assert wrong == []


def same(found: str | None, expected: object) -> bool:
    if found is None or expected is None:
        return found is expected
    return float(found) == expected if isinstance(expected, int | float) else found == expected


def test_options_labelled_with_numbers() -> None:
    numbered = Item(gold="3", labels=("1", "2", "3", "4"), options=("red", "green", "blue", "black"))
    texts = ["The answer is 3.", "The answer is (3)", "The answer is blue.", "The answer is 2.", "So it is 3"]
    assert [v.correct for v in graders.grade("option", [(text, numbered) for text in texts])] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(("text", "gold", "extracted", "correct"), CASES["released_math"])
def test_published_math_rule(text: str, gold: str, extracted: float | None, correct: bool) -> None:
    found = released.math_answer(text)
    assert (found, released.math_correct(found, gold)) == (extracted, correct)


@pytest.mark.parametrize(("text", "gold", "extracted", "correct"), CASES["released_options"])
def test_published_option_rule(text: str, gold: str, extracted: str | None, correct: bool) -> None:
    found = released.option_answer(text)
    assert (found, found == gold) == (extracted, correct)


@pytest.mark.parametrize(("text", "gold", "extracted", "correct"), CASES["released_strategyqa"])
def test_published_yes_no_rule(text: str, gold: str, extracted: str | None, correct: bool) -> None:
    found = released.strategyqa_answer(text)
    assert (found, found == gold) == (extracted, correct)


@pytest.mark.parametrize(
    ("text", "boxed"),
    [
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{1} and \boxed{2", "1"),
        (r"\fbox{3} \boxed 5", "5"),
        ("no box", None),
    ],
)
def test_last_boxed(text: str, boxed: str | None) -> None:
    assert last_boxed(text) == boxed


def test_a_worker_that_hangs_or_dies_costs_its_deadline_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_worker.py").write_text(
        "import json, os, sys, time\n"
        "for line in sys.stdin:\n"
        "    job = json.loads(line)\n"
        "    if job['do'] == 'hang': time.sleep(60)\n"
        "    if job['do'] == 'die': os._exit(1)\n"
        "    print(json.dumps({'done': job['do']}), flush=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(workers, "START_SECONDS", 0.5)
    jobs = [{"do": name} for name in ("a", "hang", "b", "die", "c")]
    replies = workers.answer_all("slow_worker", jobs, seconds=0.5)
    assert replies == [{"done": "a"}, None, {"done": "b"}, None, {"done": "c"}]


def test_equal_pairs_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def answer_all(module: str, jobs: list[workers.Job], seconds: float) -> list[workers.Job | None]:
        asked.append(len(jobs))
        return [{"equal": True}] * len(jobs)

    monkeypatch.setattr(maths, "answer_all", answer_all)
    assert maths.agree([("a+b", "b+a")] * 3 + [("1.0", "1")]) == [True] * 4
    assert asked == [1]


def test_number_of_a_gold_solution() -> None:
    assert number.extract("He pays 3*5=<<3*5=15>>15.\n#### 1,015") == "1015.0"
