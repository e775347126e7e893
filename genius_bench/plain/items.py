"""The items of `plain`: of each level equally many, of tuning and evaluation never the same problem."""

import re
from hashlib import blake2b
from itertools import cycle, islice
from random import Random
from typing import Any

from genius_bench.errors import InputError
from genius_bench.plain.families import SAMPLERS
from genius_bench.plain.problem import LEVELS, Problem

TUNING_SHARE = 20
"""Per cent of all problems."""
SPLIT = re.compile(r"evaluation|tuning|seed-\d+")
MOST_DRAWS = 10_000


def evaluation_items(task: str, split: str = "evaluation", count: int = 100) -> list[dict[str, Any]]:
    """The first `count` items of a split, always the same and in the same order.

    `seed-1`, `seed-2`, … are drawn anew from what `evaluation` is drawn from. Every item has `id`, `question`,
    `answer`, `level` and `slices`; `options` where one of several names is the answer, `tests` where a format is to be
    followed.
    Raises `InputError` for an unknown split.
    """
    if not SPLIT.fullmatch(split):
        raise InputError(
            f"task '{task}' has no split '{split}': test, tuning, or seed-1, seed-2, … for items drawn anew"
        )
    rng = Random(f"{task}/{split}")
    asked: set[str] = set()
    return [
        _item(task, level, _draw(task, rng, level, split, asked)) for level in islice(cycle(LEVELS), count)
    ]


def is_tuning(problem: Problem) -> bool:
    """By what decides the answer, so that other names make no other problem."""
    return int.from_bytes(blake2b(problem.key.encode(), digest_size=8).digest(), "big") % 100 < TUNING_SHARE


def _draw(task: str, rng: Random, level: int, split: str, asked: set[str]) -> Problem:
    for _ in range(MOST_DRAWS):
        problem = SAMPLERS[task](rng, level)
        if is_tuning(problem) == (split == "tuning") and problem.question not in asked:
            asked.add(problem.question)
            return problem
    raise InputError(f"task '{task}' has no more distinct questions of level {level} in its split '{split}'")


def _item(task: str, level: int, problem: Problem) -> dict[str, Any]:
    digest = blake2b(problem.question.encode(), digest_size=6).hexdigest()
    item = {
        "id": f"{task}-{digest}",
        "question": problem.question,
        "answer": problem.answer,
        "level": level,
        "slices": [f"level {level}"],
    }
    if problem.options:
        item["options"] = list(problem.options)
    if problem.tests:
        item["tests"] = list(problem.tests)
    return item
