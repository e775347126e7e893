"""From graded answers to the numbers of a task. Denominators are fixed: every answer asked for counts."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import comb
from typing import TYPE_CHECKING, Any

from genius_bench.rows import Score
from genius_bench.statistics import share

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

ACCURACIES = {
    "greedy": ("correct", True),
    "sampled": ("correct", False),
    "released_greedy": ("released_correct", True),
    "released_sampled": ("released_correct", False),
}
"""Metric → (column, whether of the greedy answers or of the samples). `sampled` is avg@k."""
UNREADABLE = {"unreadable_greedy": ("format_failure", True), "unreadable_sampled": ("format_failure", False)}
"""The same of what no score holds, since a board tells it from the answers."""
FAILURES = ("format_failure", "truncated", "empty", "error", "ungraded", "any_failure")
"""Shares of all answers, greedy and sampled; an answer that fails in several ways is one `any_failure`."""
SEVERAL = re.compile(r"(?P<name>pass|maj)@(?P<k>\d+)")
JUDGED = re.compile(r"(?P<sampled>sampled_)?(?:win_rate|rating)\[.*\]")


def judged_metric(grader: str, judge: str, *, sampled: bool) -> str:
    """The name of a judged task's number: the judge is part of it."""
    return f"{'sampled_' if sampled else ''}{'win_rate' if grader == 'comparison' else 'rating'}[{judge}]"


def item_values(rows: Iterable[Row], metric: str) -> dict[str, float]:
    """Question → its value between 0 and 1 (what `statistics` works on): the share of its answers for which the
    metric holds, pass@k, or maj@k."""
    if several := SEVERAL.fullmatch(metric):
        value = pass_at if several["name"] == "pass" else majority_at
        samples = _by_item(row for row in rows if row["repeat"] > 0)
        return {name: value(answers, int(several["k"])) for name, answers in samples.items()}
    column, greedy = _answers_of(metric)
    answers = _by_item(row for row in rows if greedy is None or greedy == (row["repeat"] == 0))
    return {name: sum(float(row[column]) for row in group) / len(group) for name, group in answers.items()}


def item_values_of(answers: "pa.Table", metric: str) -> dict[str, float]:
    """As `item_values`, of graded answers as a table: hundreds of thousands on a board."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table, (column, greedy) = answers.select(columns_of(metric)), _answers_of(metric)
    if SEVERAL.fullmatch(metric):
        return item_values(table.to_pylist(), metric)
    if greedy is not None:
        first = pc.equal(table["repeat"], 0)
        table = table.filter(first if greedy else pc.invert(first))
    table = table.select(["item_id"]).append_column("value", table[column].cast(pa.float64()))
    means = table.group_by("item_id", use_threads=False).aggregate([("value", "mean")])
    return dict(zip(means["item_id"].to_pylist(), means["value_mean"].to_pylist(), strict=True))


def columns_of(metric: str) -> tuple[str, ...]:
    """The columns of graded answers that `item_values` reads for a metric."""
    if SEVERAL.fullmatch(metric):
        return ("item_id", "repeat", "correct", "vote")
    return ("item_id", "repeat", _answers_of(metric)[0])


def _answers_of(metric: str) -> tuple[str, bool | None]:
    """The column that a metric reads, and whether of the greedy answers, of the samples, or (None) of both."""
    if judged := JUDGED.fullmatch(metric):
        return "correct", not judged["sampled"]
    return (ACCURACIES | UNREADABLE).get(metric, (metric, None))


def pass_at(answers: list[Row], k: int) -> float:
    """The probability that k of n answers drawn without replacement hold a right one: 1 − C(n−c, k)/C(n, k), the
    unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, Eq. 1)."""
    n, right = len(answers), sum(bool(row["correct"]) for row in answers)
    return 1.0 - comb(n - right, k) / comb(n, k)


def majority_at(answers: list[Row], k: int) -> float:
    """Whether the most frequent result of the first k answers is right; the mean over results that tie.

    Answers without a readable result do not vote.
    """
    votes = [row for row in answers if row["repeat"] <= k and row["vote"]]
    if not votes:
        return 0.0
    counts = Counter(row["vote"] for row in votes)
    most = max(counts.values())
    right = {row["vote"] for row in votes if row["correct"]}
    tied = [vote for vote, count in counts.items() if count == most]
    return sum(vote in right for vote in tied) / len(tied)


def scores_of(
    task: str,
    rows: list[Row],
    details: dict[str, Any],
    *,
    graded: bool = True,
    released: bool = False,
    headline: str = "robust",
    judge: tuple[str, str] | None = None,
) -> list[Score]:
    """All numbers of a task: accuracies (where it was graded) and failure rates, in percent.

    `judge` is (grader, judge's name) for judged tasks. Every score's details name the `headline` metric.
    """
    greedy, samples = any(row["repeat"] == 0 for row in rows), max(row["repeat"] for row in rows)
    metrics: list[str] = []
    if graded and judge:
        metrics = [
            judged_metric(*judge, sampled=sampled) for sampled, there in _drawn(greedy, samples) if there
        ]
    elif graded:
        wanted = [name for name in ACCURACIES if released or not name.startswith("released")]
        metrics = [name for name in wanted if (greedy if ACCURACIES[name][1] else samples)]
        metrics += _of_several(rows, samples)
    details = details | {"headline": _headline(metrics, samples, headline)}
    metrics += [name for name in FAILURES if graded or name in ("truncated", "empty", "error")]
    return [_score(task, metric, rows, details) for metric in metrics]


def _drawn(greedy: bool, samples: int) -> list[tuple[bool, bool]]:
    return [(False, greedy), (True, samples > 0)]


def _of_several(rows: list[Row], samples: int) -> list[str]:
    """pass@k for the powers of two up to the number of samples, and maj@k where results can be compared."""
    if samples < 2:
        return []
    sizes = [2**power for power in range(1, samples.bit_length()) if 2**power <= samples]
    votes = any(row["vote"] for row in rows)
    return [*(f"pass@{k}" for k in sizes), *([f"maj@{samples}"] if votes else [])]


def _headline(metrics: list[str], samples: int, kind: str) -> str | None:
    """The number that boards show: of the samples where there are any, by the protocol's own verdicts."""
    wanted = "sampled" if samples else "greedy"
    if kind == "released" and f"released_{wanted}" in metrics:
        return f"released_{wanted}"
    if wanted in metrics:
        return wanted
    return metrics[-1] if metrics else None


def _score(task: str, metric: str, rows: list[Row], details: dict[str, Any]) -> Score:
    values = item_values(rows, metric)
    answers = _answers_per_item(rows, metric)
    value, low, high = share(list(values.values()), answers)
    return Score(
        task=task,
        metric=metric,
        value=100 * value,
        low=100 * low,
        high=100 * high,
        n=len(values),
        details=details | {"answers_per_item": answers},
    )


def _answers_per_item(rows: list[Row], metric: str) -> int:
    repeats = {row["repeat"] for row in rows}
    if several := SEVERAL.fullmatch(metric):
        return int(several["k"])
    greedy = _answers_of(metric)[1]
    return len(repeats) if greedy is None else 1 if greedy else len(repeats - {0})


def _by_item(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["item_id"]].append(row)
    return groups
