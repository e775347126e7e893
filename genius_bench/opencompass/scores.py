"""From graded rows to the numbers of a task."""

from typing import Any

from genius_bench.evaluation.judged import NO_JUDGE
from genius_bench.evaluation.metrics import scores_of
from genius_bench.judging.win_rate import win_rate
from genius_bench.opencompass import environment
from genius_bench.opencompass.results import Graded
from genius_bench.opencompass.task import Task
from genius_bench.rows import Score

Details = dict[str, Any]


def scores_from(task: Task, graded: list[Graded], rows: list[dict[str, Any]]) -> list[Score]:
    """As `evaluation.scoring` makes them, and Arena-Hard's own weighted win rate.

    With two players its Bradley-Terry fit is the weighted share of wins, which also exists when all verdicts go one
    way; OpenCompass' fit fails then.
    """
    judge = task.judge.name if task.judge else None
    not_scored = NO_JUDGE if task.benchmark.is_judged and judge is None else None
    details = _details(task, graded, rows) | ({"not_scored": not_scored} if not_scored else {})
    named = ("comparison", judge) if judge else None
    scores = scores_of(task.card.name, rows, details, graded=not_scored is None, judge=named)
    if judge and task.benchmark.kind == "arena_hard":
        weighted = win_rate(graded[0].judged, weighted=True)
        if weighted.n:
            score = Score(
                task=task.card.name,
                metric=f"weighted_win_rate[{judge}]",
                value=100 * weighted.value,
                low=100 * weighted.low,
                high=100 * weighted.high,
                n=weighted.n,
                details=scores[0].details | {"answers_per_item": 1, "note": weighted.note},
            )
            scores.append(score)
    return scores


def _details(task: Task, graded: list[Graded], rows: list[dict[str, Any]]) -> Details:
    asked = task.asked[-1][1]
    details: Details = {
        "protocol": task.protocol,
        "task_version": task.card.facts.version,
        "grader": f"opencompass {environment.VERSION} ({task.benchmark.configuration})",
        "released": "none",
        "dataset": "changed" if task.items.changed else "as expected",
        "expected_items": task.card.facts.expected_items,
        "shots": task.card.shots,
        "samples": task.samples,
        "temperature": asked.temperature,
        "max_tokens": asked.max_tokens,
        "limit": task.limit,
        "opencompass": {name.name: one.numbers for (_, name), one in zip(task.asked, graded, strict=True)},
    }
    if task.judge:
        details |= {"judge": task.judge.name, "judge_failures": sum(row["judge_failure"] for row in rows)}
        details |= {"baseline": ", ".join(task.benchmark.baselines)}
    return details
