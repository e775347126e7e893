"""The lab's public data: evaluation items and training queries. Imports nothing heavy."""

from hashlib import blake2b
from itertools import cycle, islice
from random import Random
from typing import Any, cast

from genius_bench.lab import instructions
from genius_bench.lab.documents import draw
from genius_bench.lab.families import SAMPLERS
from genius_bench.lab.problem import LEVELS, Problem, Split, split_of

__all__ = ["FAMILIES", "evaluation_items", "split_of", "training_queries"]

FAMILIES: tuple[str, ...] = tuple(SAMPLERS)
INSTRUCTION_SHARE = 0.1


def evaluation_items(family: str, split: str = "evaluation", count: int = 200) -> list[dict[str, Any]]:
    """The first `count` items of a family's split, always the same and in the same order.

    Every item has `id`, `question` and `answer`; its `level`; its `prior` (whether what the base model's texts say most
    often is right there: always, "plain"; by majority but not in its most frequent text, "aligned"; not, "misaligned");
    and `tells`, whether anything but the majority could know. Option families add `options`, functions `tests` and
    `entry_point`.
    """
    rng = Random(f"{family}/{split}")
    seen: set[str] = set()
    levels = islice(cycle(LEVELS), count)
    return [_item(_draw_new(family, rng, cast(Split, split), seen, level)) for level in levels]


def training_queries(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Distinct queries of the training split: all families in equal parts and a tenth general instructions.

    Every row has `id`, `question`, `answer`, `reference` (a careful demonstration) and `source`.
    """
    rng = Random(f"queries/{seed}")
    seen: set[str] = set()
    rows = []
    for _ in range(count):
        source = instructions.SOURCE if rng.random() < INSTRUCTION_SHARE else rng.choice(FAMILIES)
        problem = _draw_new(source, rng, "training", seen)
        row = {key: _item(problem)[key] for key in ("id", "question", "answer")}
        rows.append(row | {"reference": "\n".join(problem.steps), "source": source})
    return rows


def _draw_new(source: str, rng: Random, split: Split, seen: set[str], level: int | None = None) -> Problem:
    for _ in range(10_000):
        problem = draw(source, rng, split, level)
        if problem.question not in seen:
            seen.add(problem.question)
            return problem
    raise ValueError(f"{source} has no more distinct questions in the {split} split")


def _item(problem: Problem) -> dict[str, Any]:
    digest = blake2b(problem.question.encode(), digest_size=6).hexdigest()
    tells = bool(problem.reading and problem.reading.tells)
    item: dict[str, Any] = {
        "id": f"{problem.family}-{digest}",
        "question": problem.question,
        "answer": problem.answer,
        "level": problem.level,
        "prior": problem.prior,
        "tells": tells,
        "slices": [f"level {problem.level}", f"{problem.prior}{', telling' if tells else ''}"],
    }
    if problem.options:
        item["options"] = list(problem.options)
    if problem.tests:
        item |= {"tests": list(problem.tests), "entry_point": "f"}
    return item
