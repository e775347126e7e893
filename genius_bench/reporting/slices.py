"""What models score on the groups of items that tasks tell apart: by level, by kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from genius_bench.reporting.averages import corrected
from genius_bench.reporting.scored import Scored
from genius_bench.statistics import Difference, Estimate, Suite, suite_average, suite_difference


@dataclass(frozen=True)
class Slice:
    """An average over the tasks that have such items, and the gain over the base (p-values by Holm over slices)."""

    value: Estimate
    gain: Difference | None


def slices_of(group: list[Scored], base: Scored | None, metrics: Mapping[str, str]) -> dict[str, Slice]:
    """Name → what one recipe's models (a seed each) score there; in the order of the names."""
    names = sorted({name for task in metrics for name in group[0].slices(task)})
    values: dict[str, Estimate] = {}
    gains: dict[str, Difference | None] = {}
    for name in names:
        tasks = [task for task in metrics if name in group[0].slices(task)]
        mine = [_suite(one, tasks, name, metrics) for one in group]
        try:
            values[name] = suite_average(mine)
            gains[name] = (
                suite_difference(mine, [_suite(base, tasks, name, metrics)]) if base is not None else None
            )
        except ValueError:  # not the same questions
            gains[name] = None
    gains = corrected(gains)
    return {name: Slice(value, gains[name]) for name, value in values.items()}


def _suite(model: Scored, tasks: list[str], name: str, metrics: Mapping[str, str]) -> Suite:
    return [
        {item: value for item, value in model.items(task, metrics[task]).items() if item in members}
        for task in tasks
        for members in [model.slices(task).get(name, frozenset())]
    ]
