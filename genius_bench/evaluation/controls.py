"""What every model is asked beside its board's own settings, so that a reader can tell learning from sharpening.

A model that got only more certain says at temperature 1 what it said at a lower one before. So every model is
sampled at lower temperatures too, on the same items, and each is compared at the temperature that suits it best. That
one is chosen on other items: on the tasks' tuning split, or (`choosing_half`) on half of them.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from typing import Any

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.protocols import answers_wanted, by_opencompass, is_judged
from genius_bench.recipe import EvaluationSection

TUNING_ITEMS = 50
"""Of each task's tuning split: enough to choose among a handful of temperatures."""
VARIED = ("temperature", "samples", "greedy", "split", "limit")
"""In what a control's settings may differ from those of the board that it belongs to."""

Asked = tuple[EvaluationSection, list[str]]
"""Settings, and the tasks to be asked under them."""


def controls_of(settings: EvaluationSection, tasks: list[str]) -> list[Asked]:
    """The evaluations beside that under `settings`; none where other items than the tasks' own are asked."""
    if settings.split is not None:
        return []
    cards = {name: task_card(name).under(settings.protocol) for name in tasks}
    graded = [
        name for name, card in cards.items() if not is_judged(card) and not by_opencompass(card, settings)
    ]
    few = without_controls(settings).model_copy(update={"samples": settings.control_samples})
    lower: list[dict[str, Any]] = [
        {"greedy": False, "temperature": one} for one in settings.temperatures if one != settings.temperature
    ]
    asked = [(few.model_copy(update=one), graded) for one in lower]
    if lower and not all(answers_wanted(cards[name], settings)[0] for name in graded):
        asked.append((few.model_copy(update={"greedy": True, "samples": 0}), graded))
    splits = {name: cards[name].facts.tuning_split for name in graded if cards[name].facts.tuning_split}
    for split in dict.fromkeys(splits.values() if lower else ()):
        tuning = few.model_copy(update={"split": split, "limit": tuning_limit(settings.limit)})
        names = [name for name in splits if splits[name] == split]
        every: list[dict[str, Any]] = [{"greedy": True}, *lower]
        asked += [(tuning.model_copy(update=one), names) for one in every]
    if settings.coverage:
        limit = min(settings.limit or settings.coverage_items, settings.coverage_items)
        many = {"samples": settings.coverage, "greedy": False, "limit": limit}
        asked.append((few.model_copy(update=many), graded))
    return [(one, names) for one, names in asked if names]


def without_controls(settings: EvaluationSection) -> EvaluationSection:
    """The same board's settings, of a model that has none beside it."""
    return settings.model_copy(update={"temperatures": (), "coverage": 0})


def tuning_limit(limit: int | None) -> int:
    """How many items of a tuning split are asked where a board asks for `limit` of each task."""
    return min(limit or TUNING_ITEMS, TUNING_ITEMS)


@cache
def tuning_split(task: str) -> str | None:
    """What a temperature is chosen on, where the task has items apart for it and is installed."""
    try:
        return task_card(task).facts.tuning_split
    except InputError:
        return None


def kin(settings: dict[str, Any]) -> dict[str, Any]:
    """What the settings of a board and of its controls have in common."""
    return {name: value for name, value in settings.items() if name not in VARIED}


def choosing_half(items: Iterable[str]) -> frozenset[str]:
    """Half of the items, by hash: a temperature is chosen on them, and their answers are then not reported. Of a single
    item it is none, so that there is always something to report."""
    ranked = sorted(items, key=lambda item: blake2b(item.encode()).digest())
    return frozenset(ranked[: len(ranked) // 2])
