"""What models score on the groups of items that tasks tell apart: by level, by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genius_bench.reporting.averages import corrected
from genius_bench.reporting.scored import ItemValues
from genius_bench.statistics import Difference, Estimate, Suite, suite_average, suite_difference


@dataclass(frozen=True)
class Slice:
    """An average over the tasks that have such items, and the gain over the base (p-values by Holm over slices)."""

    value: Estimate
    gain: Difference | None


Answers = Mapping[str, ItemValues]
"""Task → question → share of one model's answers that were right."""


def slices_of(
    members: Mapping[str, Mapping[str, frozenset[str]]], group: Sequence[Answers], base: Answers | None
) -> dict[str, Slice]:
    """Name → what one recipe's models (a seed each) score there; in the order of the names.

    `members` are each task's questions by slice. Where the base was asked others there is no gain.
    """
    values: dict[str, Estimate] = {}
    gains: dict[str, Difference | None] = {}
    for name in sorted({name for slices in members.values() for name in slices}):
        questions = {
            task: slices[name]
            for task, slices in members.items()
            if not slices.get(name, frozenset()).isdisjoint(group[0][task])
        }
        if not questions:  # none of those that are reported
            continue
        mine = [_suite(one, questions) for one in group]
        try:
            values[name] = suite_average(mine)
            gains[name] = suite_difference(mine, [_suite(base, questions)]) if base is not None else None
        except ValueError:  # not the same questions
            gains[name] = None
    gains = corrected(gains)
    return {name: Slice(value, gains[name]) for name, value in values.items()}


def _suite(answers: Answers, questions: Mapping[str, frozenset[str]]) -> Suite:
    return [
        {item: value for item, value in answers[task].items() if item in asked}
        for task, asked in questions.items()
    ]
