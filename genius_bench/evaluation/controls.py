"""What every model is asked beside its board's own settings, so that a reader can tell learning from sharpening.

A model that got only more certain says at temperature 1 what it said at a lower one before. So every model is
sampled at lower temperatures too, on the same items, and each is compared at the temperature that suits it best. That
one is chosen on other items: on the tasks' tuning split, or (`in_choosing_half`) on half of them.
"""

from hashlib import blake2b
from typing import Any

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
    few = settings.model_copy(update={"samples": settings.control_samples, "temperatures": (), "coverage": 0})
    lower: list[dict[str, Any]] = [
        {"greedy": False, "temperature": one} for one in settings.temperatures if one != settings.temperature
    ]
    asked = [(few.model_copy(update=one), graded) for one in lower]
    if lower and not all(answers_wanted(cards[name], settings)[0] for name in graded):
        asked.append((few.model_copy(update={"greedy": True, "samples": 0}), graded))
    splits = {name: cards[name].facts.tuning_split for name in graded if cards[name].facts.tuning_split}
    for split in dict.fromkeys(splits.values() if lower else ()):
        limit = min(settings.limit or TUNING_ITEMS, TUNING_ITEMS)
        tuning = few.model_copy(update={"split": split, "limit": limit})
        names = [name for name in splits if splits[name] == split]
        every: list[dict[str, Any]] = [{"greedy": True}, *lower]
        asked += [(tuning.model_copy(update=one), names) for one in every]
    if settings.coverage:
        limit = min(settings.limit or settings.coverage_items, settings.coverage_items)
        many = {"samples": settings.coverage, "greedy": False, "limit": limit}
        asked.append((few.model_copy(update=many), graded))
    return [(one, names) for one, names in asked if names]


def kin(settings: dict[str, Any]) -> dict[str, Any]:
    """What the settings of a board and of its controls have in common."""
    return {name: value for name, value in settings.items() if name not in VARIED}


def in_choosing_half(item: str) -> bool:
    """Whether a temperature may be chosen on this item, whose answers are then not reported: half of them, by hash."""
    return blake2b(item.encode(), digest_size=1).digest()[0] % 2 == 0
