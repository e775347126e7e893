"""From graded answers to the numbers of a task. Denominators are fixed: every answer asked for counts."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from genius_bench.evaluation.statistics import share
from genius_bench.rows import Score

Row = dict[str, Any]

ACCURACIES = {
    "greedy": ("correct", True),
    "sampled": ("correct", False),
    "released_greedy": ("released_correct", True),
    "released_sampled": ("released_correct", False),
}
"""Metric → (column, whether of the greedy answers or of the samples)."""
FAILURES = ("format_failure", "truncated", "empty", "error", "any_failure")
"""Shares of all answers, greedy and sampled; an answer that fails in several ways is one `any_failure`."""


def item_values(rows: Iterable[Row], metric: str) -> dict[str, float]:
    """Question → the share of its answers for which the metric holds (what `statistics` works on)."""
    column, greedy = ACCURACIES.get(metric, (metric, None))
    answers: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if greedy is None or greedy == (row["repeat"] == 0):
            answers[row["item_id"]].append(bool(row[column]))
    return {name: sum(values) / len(values) for name, values in answers.items()}


def scores_of(
    task: str, rows: list[Row], details: dict[str, Any], *, graded: bool, released: bool
) -> list[Score]:
    """All numbers of a task: accuracies (where it was graded) and failure rates, in percent."""
    metrics = [
        name
        for name, (column, _) in ACCURACIES.items()
        if graded and (released or column != "released_correct")
    ]
    metrics += [name for name in FAILURES if graded or name not in ("format_failure", "any_failure")]
    scores = []
    for metric in metrics:
        values = item_values(rows, metric)
        if not values:
            continue
        answers = _answers_per_item(rows, metric)
        value, low, high = share(list(values.values()), answers)
        scores.append(
            Score(
                task=task,
                metric=metric,
                value=100 * value,
                low=100 * low,
                high=100 * high,
                n=len(values),
                details=details | {"answers_per_item": answers},
            )
        )
    return scores


def _answers_per_item(rows: list[Row], metric: str) -> int:
    repeats = {row["repeat"] for row in rows}
    _, greedy = ACCURACIES.get(metric, (metric, None))
    return len(repeats) if greedy is None else 1 if greedy else len(repeats - {0})
