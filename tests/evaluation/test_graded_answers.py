"""Real answers of real models whose right verdicts are known: graders agree with the labels of their sources.

The labels err too. MMLU-Pro's are by its rule: the first "answer is (X)" of the text; an answer without these words was
labelled wrong, whatever it said ("The closest option is (E).", "Final Answer: D."). Of the others, those that disagree
name a second option later or beside the first. The labels of yes and no come from a second question to the model.
"""

import gzip
import json
import re
from typing import Any

import pytest

from genius_bench.evaluation import graders
from genius_bench.evaluation.graders import Item, Verdict
from tests.evaluation.real_data import FOLDER, MISSING

GRADED = FOLDER / "graded_answers"
NAMED = re.compile(r"answer is \(?([A-J])\)?")
pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not GRADED.is_dir(), reason=MISSING)]


def verdicts(name: str) -> list[tuple[dict[str, Any], Verdict]]:
    with gzip.open(GRADED / f"{name}.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    graded: list[tuple[dict[str, Any], Verdict]] = []
    for kind in dict.fromkeys(row["grader"] for row in rows):
        mine = [row for row in rows if row["grader"] == kind]
        items = [Item(row["gold"], tuple(row["labels"]), tuple(row["options"])) for row in mine]
        answers = [(row["text"], item) for row, item in zip(mine, items, strict=True)]
        graded += zip(mine, graders.grade(kind, answers), strict=True)
    return graded


def agreement(graded: list[tuple[dict[str, Any], Verdict]]) -> float:
    return sum(verdict.correct == row["label"] for row, verdict in graded) / len(graded)


@pytest.mark.parametrize("name", ["gsm8k_model_solutions", "bbh_codex_cot"])
def test_every_verdict_agrees(name: str) -> None:
    assert agreement(verdicts(name)) == 1.0


def test_options_agree_where_the_label_follows_from_one_stated_answer() -> None:
    graded = verdicts("mmlu_pro_results")
    named = [NAMED.findall(row["text"]) for row, _ in graded]
    told = [pair for pair, letters in zip(graded, named, strict=True) if len(set(letters)) == 1]
    assert len(told) > 0.79 * len(graded)
    assert agreement(told) >= 0.996
    assert agreement([pair for pair, letters in zip(graded, named, strict=True) if letters]) >= 0.99
    unlabelled = [pair for pair, letters in zip(graded, named, strict=True) if not letters]
    assert sum(verdict.extracted is not None for _, verdict in unlabelled) >= 130
    assert sum(verdict.correct for _, verdict in unlabelled) >= 35  # all labelled wrong


def test_yes_and_no_agree_and_no_wrong_answer_is_accepted() -> None:
    graded = verdicts("zero_shot_cot_yes_no")
    assert agreement(graded) >= 0.996
    assert not any(verdict.correct and not row["label"] for row, verdict in graded)
