"""The lm-eval command line as a second opinion: the same checkpoint and items give the same answers and scores."""

import json
from pathlib import Path

import pytest

from benchmarks.evaluation_speed import run_lm_eval, run_ours, write_lm_eval_task
from genius_bench.artifacts import Store
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.scores import read_scores
from genius_bench.lab import MODEL_PATH

LIMIT = 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lab_words", "lab_facts"])
def test_greedy_answers_and_scores_are_those_of_the_command_line(name: str, tmp_path: Path) -> None:
    card = task_card(name)
    write_lm_eval_task(card, tmp_path)
    output = run_lm_eval(card, MODEL_PATH, tmp_path, LIMIT)
    [results] = output.rglob("results_*.json")
    [samples] = output.rglob("samples_*.jsonl")
    theirs = {
        row["doc"]["question"]: row["resps"][0][0]
        for row in map(json.loads, samples.read_text().splitlines())
    }
    [metrics] = json.loads(results.read_text())["results"].values()

    [artifact] = Store(run_ours((name,), MODEL_PATH, tmp_path, LIMIT)).all("scores")
    ours = {row["question"]: row["response"] for row in artifact.rows()}
    assert len(ours) == LIMIT
    assert ours == theirs
    greedy = {score.metric: score for score in read_scores(artifact)}["greedy"]
    assert greedy.value / 100 == pytest.approx(metrics["exact_match,answer"])
