from dataclasses import dataclass
from typing import Any, cast

import pytest

from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import Items
from genius_bench.judging.judge import Judge
from genius_bench.judging.judged import Judged
from genius_bench.opencompass.benchmarks import benchmark_called
from genius_bench.opencompass.configuration import Asked
from genius_bench.opencompass.data_layout import Item
from genius_bench.opencompass.relay import Answer
from genius_bench.opencompass.results import Graded, _judged_row
from genius_bench.opencompass.scores import scores_from
from genius_bench.opencompass.task import Task
from genius_bench.rows import Score


@dataclass
class NamedJudge:
    name: str = "referee"


def task(name: str, *, judged: bool = True) -> Task:
    return Task(
        card=task_card(name),
        benchmark=benchmark_called(name),
        items=Items(rows=[], ids=["a", "b"], examples=[], fingerprint="f", changed=True),
        baselines={},
        limit=None,
        asked=((1, Asked("sample-1", 1.0, 64)),),
        protocol="paper (opencompass 0.5.4)",
        judge=cast(Judge, NamedJudge()) if judged else None,
        unsafe_code=False,
    )


def judged(name: str, value: float | None, weight: float) -> Judged:
    return Judged(
        id=name,
        value=value,
        weight=weight,
        verdicts=("v" if weight else None,),
        raw=("v",),
        errors=("",),
        prompt_tokens=0,
        completion_tokens=0,
        reused=0,
    )


def scores(name: str, verdicts: list[Judged | None]) -> dict[str, Score]:
    saved: dict[str, Any] = {"prediction": "an answer"}
    rows = [
        _judged_row(Item(str(number), "q", ""), 1, saved, Answer("an answer", "stop", 2), verdict)
        for number, verdict in enumerate(verdicts)
    ]
    graded = Graded(rows, {"score": 12.5}, [one for one in verdicts if one])
    found = scores_from(task(name, judged=None not in verdicts), [graded], rows)
    return {score.metric: score for score in found}


def test_a_clear_win_counts_three_times_in_arena_hard() -> None:
    found = scores("arena_hard", [judged("0", 1.0, 6.0), judged("1", 0.0, 2.0)])
    assert found["sampled_win_rate[referee]"].value == 50.0
    assert found["weighted_win_rate[referee]"].value == 75.0
    assert found["weighted_win_rate[referee]"].details["opencompass"] == {"sample-1": {"score": 12.5}}


def test_one_sided_verdicts_have_an_interval_too() -> None:
    found = scores("arena_hard", [judged("0", 1.0, 2.0), judged("1", 1.0, 2.0)])
    score = found["weighted_win_rate[referee]"]
    assert score.value == score.high == 100.0
    assert 0.0 < score.low < 100.0
    assert score.details["note"]


def test_wildbench_has_its_own_scale() -> None:
    found = scores("wildbench", [judged("0", 0.25, 3.0), judged("1", 0.5, 3.0)])
    score = found["wb_reward[referee]"]
    assert score.value == pytest.approx(-25.0)
    assert -100.0 <= score.low < score.value < score.high <= 100.0


def test_judges_without_a_verdict_are_counted() -> None:
    found = scores("alpaca_eval", [judged("0", None, 0.0), judged("1", 1.0, 1.0)])
    score = found["sampled_win_rate[referee]"]
    assert (score.value, score.n, score.details["judge_failures"]) == (75.0, 2, 1)


def test_without_a_judge_answers_are_kept_and_not_scored() -> None:
    found = scores("alpaca_eval", [None, None])
    assert set(found) == {"truncated", "empty", "error"}
    assert "no judge" in found["error"].details["not_scored"]
