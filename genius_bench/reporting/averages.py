"""Averages over tasks and seeds, and differences of them, of scored models."""

from genius_bench.evaluation.metrics import JUDGED
from genius_bench.reporting.scored import Scored
from genius_bench.statistics import (
    Difference,
    Estimate,
    Suite,
    holm,
    suite_average,
    suite_difference,
)


def comparable(metrics: dict[str, str]) -> dict[str, str]:
    """The tasks that averages are taken over: accuracies, or win rates and ratings where there is nothing else.

    An accuracy and a win rate have no mean that would say anything.
    """
    accuracies = {task: metric for task, metric in metrics.items() if not JUDGED.fullmatch(metric)}
    return accuracies or metrics


def average_of(group: list[Scored], metrics: dict[str, str]) -> Estimate | None:
    """The mean over tasks (and over seeds, whose spread widens the interval); a task's own interval for one task."""
    if not metrics or any((task, metrics[task]) not in one.scores for one in group for task in metrics):
        return None
    if len(group) == len(metrics) == 1:
        score = group[0].scores[next(iter(metrics.items()))]
        return Estimate(score.value / 100, score.low / 100, score.high / 100)
    try:
        return suite_average([_suite(one, metrics) for one in group])
    except ValueError:  # seeds that were asked other questions have no mean
        return None


def gain_of(group: list[Scored], other: list[Scored], metrics: dict[str, str]) -> Difference | None:
    """How much better the models of `group` (one recipe's, a seed each) are than those of `other`, or than a base."""
    if not metrics:
        return None
    try:
        mine, theirs = ([_suite(one, metrics) for one in side] for side in (group, other))
        return suite_difference(mine, theirs)
    except ValueError:  # not the same questions: no comparison
        return None


def corrected(gains: dict[str, Difference | None]) -> dict[str, Difference | None]:
    """With p-values corrected over the tasks (Holm)."""
    present = [task for task, gain in gains.items() if gain is not None]
    p_values = holm([gains[task].p_value for task in present])  # type: ignore[union-attr]
    by_task = dict(zip(present, p_values, strict=True))
    return {task: gain._replace(p_value=by_task[task]) if gain else None for task, gain in gains.items()}


def _suite(model: Scored, metrics: dict[str, str]) -> Suite:
    return [model.items(task, metric) for task, metric in metrics.items()]
