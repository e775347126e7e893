"""Judged benchmarks through the whole stage: answers of a scripted engine, verdicts of a real server on loopback."""

import json
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import InputError
from genius_bench.evaluation import judged as judged_stage
from genius_bench.evaluation.asking import LazyEngine
from genius_bench.evaluation.scores import read_scores
from genius_bench.evaluation.stage import evaluate, regrade
from genius_bench.judging import comparison
from genius_bench.recipe import EngineSection, EvaluationSection, JudgeSection
from genius_bench.rows import Score
from tests.evaluation.fake_engine import FakeEngine
from tests.judging.loopback import serve

ITEMS = 12


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """AlpacaEval, Arena-Hard and WildBench in the hub's columns, with questions of our own."""
    alpaca, arena, wild = (tmp_path / name for name in ("alpaca_eval", "arena_hard_v0.1", "wildbench"))
    questions = [f"Question number {number}?" for number in range(ITEMS)]
    write(alpaca / "eval.jsonl", [{"instruction": text} for text in questions])
    write(
        alpaca / "eval_gpt4_baseline.jsonl",
        [{"instruction": text, "output": f"baseline {text}"} for text in questions],
    )
    write(
        arena / "train.jsonl",
        [{"question_id": str(i), "turns": [{"content": text}]} for i, text in enumerate(questions)],
    )
    nested = [{"uid": str(i), "messages": [{}, {"content": {"answer": "baseline"}}]} for i in range(ITEMS)]
    write(arena / "model_answer_gpt-4-0314.jsonl", nested)
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Write a poem.")]
    conversation = [{"role": role, "content": text, "language": "English"} for role, text in turns]
    row = {"session_id": "s1", "conversation_input": conversation, "checklist": ["Does it rhyme?"]}
    write(wild / "test.jsonl", [row])
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(
    home: Path, data: Path, task: str, judge: JudgeSection, answer: str = "an answer", **settings: Any
) -> tuple[Artifact, list[Request]]:
    engines: list[FakeEngine] = []

    def factory() -> FakeEngine:
        engines.append(FakeEngine(lambda prompt, request: answer))
        return engines[-1]

    [artifact] = evaluate(
        Store(home),
        model=ModelFiles("fake", Path("fake"), "c0ffee"),
        engine=LazyEngine(factory),
        checkpoint_fingerprint="c0ffee",
        tasks=[task],
        settings=EvaluationSection(data=str(data), judge=judge, **settings),
        engine_settings=EngineSection(),
    )
    return artifact, [request for engine in engines for request in engine.requests]


def by_metric(artifact: Artifact) -> dict[str, Score]:
    return {score.metric: score for score in read_scores(artifact)}


def prefers_a(messages: list[dict[str, str]]) -> str:
    """A judge of one prejudice: whatever is shown first wins."""
    return "The first is better.\nVerdict: A>B"


def prefers_baseline(messages: list[dict[str, str]]) -> str:
    text = messages[-1]["content"]
    return f"Verdict: {'A>>B' if text.index('baseline') < text.index('an answer') else 'B>>A'}"


def test_a_judge_of_positions_gives_a_tie(data: Path, tmp_path: Path) -> None:
    with serve(prefers_a) as server:
        judge = JudgeSection(model="biased", url=server.url)
        artifact, requests = run(tmp_path / "home", data, "alpaca_eval", judge)
        scores = by_metric(artifact)
        assert scores["win_rate[biased]"].value == 50
        assert scores["win_rate[biased]"].details["position_bias"]["first_favoured"] == 1
        assert len(server.prompts) == 2 * ITEMS
        assert all(request.temperature == 0 for request in requests), "greedy answers only, judging is dear"
        run(tmp_path / "home", data, "alpaca_eval", judge)
        assert len(server.prompts) == 2 * ITEMS, "nothing is paid for twice"


def test_a_new_reader_reads_old_judgements_anew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(lambda messages: "verdict: A > B.") as server:
        judge = JudgeSection(model="sloppy", url=server.url)
        with monkeypatch.context() as before:
            before.setattr(judged_stage, "VERSION", judged_stage.VERSION - 1)
            before.setattr(comparison, "read_verdict", lambda reply: None)
            old, _ = run(tmp_path / "home", data, "alpaca_eval", judge)
        paid = len(server.prompts)
        new, _ = run(tmp_path / "home", data, "alpaca_eval", judge)
        assert len(server.prompts) == paid == 2 * ITEMS
    assert by_metric(old)["win_rate[sloppy]"].details["judge_failures"] == ITEMS
    assert by_metric(new)["win_rate[sloppy]"].details["judge_failures"] == 0


def test_the_baseline_wins_where_it_is_better(data: Path, tmp_path: Path) -> None:
    with serve(prefers_baseline) as server:
        artifact, _ = run(tmp_path / "home", data, "arena_hard", JudgeSection(model="fair", url=server.url))
    scores = by_metric(artifact)
    assert scores["win_rate[fair]"].value == scores["weighted_win_rate[fair]"].value == 0
    assert scores["win_rate[fair]"].details["headline"] == "win_rate[fair]"
    assert scores["win_rate[fair]"].high > 0
    rows = list(artifact.rows())
    assert len({row["item_id"] for row in rows}) == len(rows) == ITEMS
    assert {row["extracted"] for row in rows} == {"B>>A / A>>B"}


def test_lengths_are_controlled_for_alpaca_eval(data: Path, tmp_path: Path) -> None:
    with serve(prefers_baseline) as server:
        artifact, _ = run(tmp_path / "home", data, "alpaca_eval", JudgeSection(model="fair", url=server.url))
    assert "lc_win_rate[fair]" in by_metric(artifact)
    assert by_metric(artifact)["lc_win_rate[fair]"].details["note"]


def test_ratings_see_the_conversation_and_the_checklist(data: Path, tmp_path: Path) -> None:
    with serve(lambda messages: "Score: 7") as server:
        artifact, [request] = run(
            tmp_path / "home", data, "wildbench", JudgeSection(model="j", url=server.url)
        )
        [prompt] = server.prompts
    assert "Does it rhyme?" in str(prompt)
    assert "Write a poem." in str(prompt)
    asked = "".join(map(chr, request.prompt_ids))
    assert asked.index("Hi") < asked.index("Hello") < asked.index("Write a poem.")
    assert by_metric(artifact)["rating[j]"].value == pytest.approx(100 * 6 / 9)


def test_no_verdict_is_counted_and_nobody_gains_by_it(data: Path, tmp_path: Path) -> None:
    with serve(lambda messages: "Both are nice.") as server:
        artifact, _ = run(tmp_path / "home", data, "alpaca_eval", JudgeSection(model="vague", url=server.url))
    score = by_metric(artifact)["win_rate[vague]"]
    assert (score.value, score.details["judge_failures"]) == (50, ITEMS)
    assert all(row["judge_failure"] for row in artifact.rows())


def test_without_a_judge_answers_are_kept_for_later(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    artifact, requests = run(home, data, "alpaca_eval", JudgeSection())
    assert "--judge" in by_metric(artifact)["error"].details["not_scored"]
    assert len(requests) == ITEMS
    with serve(prefers_a) as server:
        judged, again = run(home, data, "alpaca_eval", JudgeSection(model="j", url=server.url))
    assert again == []
    assert "not_scored" not in by_metric(judged)["error"].details
    assert regrade(Store(home)) == [], "judges are paid: regrading does not ask them"


def test_a_missing_baseline_is_told_before_anything_is_generated(data: Path, tmp_path: Path) -> None:
    (data / "alpaca_eval" / "eval_gpt4_baseline.jsonl").unlink()
    with pytest.raises(InputError, match="answers of gpt4_1106_preview to compare with are missing"):
        run(tmp_path / "home", data, "alpaca_eval", JudgeSection(model="j", url="http://127.0.0.1:9/v1"))
    assert not list((tmp_path / "home").rglob("*.parquet"))


def test_too_dear_is_refused_before_a_judgement_is_paid(data: Path, tmp_path: Path) -> None:
    with serve(prefers_a) as server:
        judge = JudgeSection(model="j", url=server.url, input_price=1000, output_price=1000, max_cost=0.01)
        with pytest.raises(InputError, match="max_cost"):
            run(tmp_path / "home", data, "alpaca_eval", judge)
        assert server.prompts == []
