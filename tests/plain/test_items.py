"""The suite `plain` as a whole: counts, splits that share no problem, seeds alike, gold answers that score."""

import re
from collections import Counter
from statistics import mean

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import resolve_suite, task_card, tasks_of
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.verifying import verify
from genius_bench.plain.families import SAMPLERS
from genius_bench.plain.items import evaluation_items
from genius_bench.plain.problem import LEVELS, NAMES
from genius_bench.recipe import EvaluationSection

TASKS = tuple(SAMPLERS)


def test_the_suite_holds_the_families_and_is_what_fits_the_model() -> None:
    assert set(resolve_suite("plain")) == set(TASKS)
    assert tasks_of(EvaluationSection(), "smollm2") == (resolve_suite("plain"), [])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", ["evaluation", "tuning", "seed-1"])
def test_levels_are_equally_many_and_questions_distinct(task: str, split: str) -> None:
    items = evaluation_items(task, split)
    assert len({item["question"] for item in items}) == len({item["id"] for item in items}) == 100
    assert Counter(item["level"] for item in items) == dict.fromkeys(LEVELS, 20)
    assert all(item["slices"] == [f"level {item['level']}"] for item in items)
    assert evaluation_items(task, split, 10) == items[:10]


@pytest.mark.parametrize("task", TASKS)
def test_every_gold_answer_scores(task: str) -> None:
    found = verify(task_card(task), None)
    assert (found.sound, found.graded, found.refused) == (True, 100, [])


def without_names(question: str) -> str:
    return re.sub(rf"\b({'|'.join(NAMES)})\b", "_", question)


@pytest.mark.parametrize("task", TASKS)
def test_tuning_shares_no_problem_with_what_is_reported(task: str) -> None:
    """Nor but for names: of sums and units no numbers that are asked alike, of formats no question."""
    tuning = {item["question"] for item in evaluation_items(task, "tuning")}
    reported = [evaluation_items(task, split) for split in ("evaluation", "seed-1", "seed-2")]
    asked = [{item["question"] for item in items} for items in reported]
    assert not tuning & set.union(*asked)
    if task not in ("plain_comparison", "plain_facts"):  # where names are what is asked for
        bare = {without_names(question) for question in tuning}
        assert not bare & {without_names(question) for question in set.union(*asked)}


@pytest.mark.parametrize("task", TASKS)
def test_seeds_give_other_items_of_equal_difficulty(task: str) -> None:
    """As long, with numbers as large: level by level within what chance explains."""
    one, two = (evaluation_items(task, f"seed-{seed}", 250) for seed in (1, 2))
    shared = {item["question"] for item in one} & {item["question"] for item in two}
    assert len(shared) < 250 / 2
    assert [item["question"] for item in one] != [item["question"] for item in two]
    for level in LEVELS:
        sizes = [
            [len(item["question"].split()) for item in items if item["level"] == level]
            for items in (one, two)
        ]
        assert mean(sizes[0]) == pytest.approx(mean(sizes[1]), rel=0.15)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_reads_its_splits_by_name(task: str) -> None:
    card = task_card(task)
    assert load_items(card).rows == evaluation_items(task)
    assert load_items(card, split="seed-4").rows == evaluation_items(task, "seed-4")
    with pytest.raises(InputError, match=f"^task '{task}' has no split 'train': test, tuning, or seed-1"):
        load_items(card, split="train")
