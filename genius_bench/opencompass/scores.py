"""From graded rows to the numbers of a task."""

from dataclasses import replace
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
        scores += _weighted(task, judge, graded[0], scores[0].details)
    if judge and task.benchmark.kind == "wildbench":
        scores.append(_reward(judge, scores[0]))
    return scores


def _weighted(task: Task, judge: str, graded: Graded, details: Details) -> list[Score]:
    """Of the greedy answers where there are any, else of the first samples; none without a verdict."""
    rate = win_rate(graded.judged, weighted=True)
    if not rate.n:
        return []
    return [
        Score(
            task=task.card.name,
            metric=f"weighted_win_rate[{judge}]",
            value=100 * rate.value,
            low=100 * rate.low,
            high=100 * rate.high,
            n=rate.n,
            details=details | {"answers_per_item": 1} | ({"note": rate.note} if rate.note else {}),
        )
    ]


def _reward(judge: str, win_rate: Score) -> Score:
    """WildBench's own scale: -100 (all opponents are much better) to 100."""
    low, value, high = (2 * share - 100 for share in (win_rate.low, win_rate.value, win_rate.high))
    return replace(win_rate, metric=f"wb_reward[{judge}]", value=value, low=low, high=high)


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
