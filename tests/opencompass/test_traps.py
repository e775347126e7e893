"""OpenCompass' known traps, sprung in its own environment and disarmed."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from genius_bench.engines.loading import resolve_model
from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items
from genius_bench.opencompass import sandboxing
from genius_bench.opencompass.benchmarks import benchmark_called
from genius_bench.opencompass.configuration import Asked, write_configuration
from genius_bench.opencompass.data_layout import Layout, lay_out
from genius_bench.opencompass.relay import Journal, Relay, Unusable
from genius_bench.opencompass.results import read_graded
from genius_bench.opencompass.run import Job, check_predictions, run_phase

from .support import DATA, built_environment, mmlu_rows, write_json

pytestmark = [
    pytest.mark.opencompass,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark items in {DATA} (GENIUS_BENCH_TEST_DATA)"),
]


def a_job(tmp_path: Path, task: str, layout: Layout, url: str = "http://127.0.0.1:9/v1") -> Job:
    job = Job(task, tmp_path, built_environment())
    write_configuration(
        job.configuration,
        benchmark_called(task),
        layout,
        [Asked("greedy", 0.0, 16)],
        relay_url=url,
        tokenizer=resolve_model("lab").path,
        threads=4,
    )
    return job


def test_exit_code_0_on_total_failure_is_an_error_here(tmp_path: Path) -> None:
    def gone(body: dict[str, Any]) -> Any:
        raise Unusable("the server is gone")

    layout = lay_out(benchmark_called("mmlu"), mmlu_rows()[:1], ["a"], {}, tmp_path)
    with Relay({"greedy": gone}, Journal(tmp_path / "answers.jsonl")).running() as relay:
        job = a_job(tmp_path, "mmlu", layout, relay.url)
        assert run_phase(job, "infer") == 0
    assert relay.broken == "the server is gone"
    with pytest.raises(GeniusBenchError, match="did not finish 'mmlu'"):
        check_predictions(job, ["greedy"], layout, 1)


PASSES_NOTHING = "[BEGIN]\ndef f(): pass\n[DONE]"
OUTSIDE = Path("/var/tmp/genius-bench-escaped")
WRITES_OUTSIDE = f"""
import os, socket
for place in ({str(OUTSIDE)!r}, {str(Path.home() / "genius-bench-escaped")!r}, "/usr/genius-bench-escaped"):
    try:
        open(place, "w").write("escaped")
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", 22), timeout=1)
    print("network")
except OSError:
    pass
def similar_elements(a, b):
    return 1
"""


def save_answers(job: Job, dataset: str, answers: list[str], golds: list[str]) -> None:
    rows = {
        str(number): {"origin_prompt": "q", "prediction": answer, "gold": gold}
        for number, (answer, gold) in enumerate(zip(answers, golds, strict=True))
    }
    write_json(job.output / "predictions" / "greedy" / f"{dataset}.json", rows)


@pytest.mark.skipif(sandboxing.why_not() is not None, reason=str(sandboxing.why_not()))
def test_livecodebench_scores_right_programs_and_contains_wicked_ones(tmp_path: Path) -> None:
    """Without our stand-in for pyext everything scores 0; without our sandbox the last one writes where it likes."""
    card = task_card("livecodebench")
    folder = tmp_path / "hub" / "livecodebench"
    folder.mkdir(parents=True)
    (folder / "test.jsonl.gz").symlink_to(DATA / "livecodebench" / "test_v5_statements.jsonl.gz")
    every = {str(row["question_id"]): row for row in load_items(card, str(folder.parent)).rows}
    question, program = _right_program()
    rows = [every[question]] * 3
    layout = lay_out(benchmark_called("livecodebench"), _renumbered(rows), ["a", "b", "c"], {}, tmp_path)
    job = a_job(tmp_path, "livecodebench", layout)
    answers = [f"```python\n{code}\n```" for code in (program, "print(0)", WRITES_OUTSIDE)]
    save_answers(job, "lcb_code_generation", answers, ["0", "1", "2"])
    OUTSIDE.unlink(missing_ok=True)
    sandboxing.evaluate_shut_in(job, 900)
    journal = Journal(tmp_path / "answers.jsonl")
    graded = read_graded(job, benchmark_called("livecodebench"), layout, "greedy", 0, journal)
    assert [row["correct"] for row in graded.rows] == [True, False, False]
    assert graded.numbers["pass@1"] == pytest.approx(100 / 3)
    assert not OUTSIDE.exists()
    assert not (Path.home() / "genius-bench-escaped").exists()


@pytest.mark.skipif(sandboxing.why_not() is not None, reason=str(sandboxing.why_not()))
def test_mbpp_scores_right_programs_in_the_sandbox(tmp_path: Path) -> None:
    """The last two end their process: without our evaluator the second of them costs the whole score."""
    rows = load_items(task_card("mbpp"), str(DATA)).rows[:5]
    layout = lay_out(benchmark_called("mbpp"), rows, list("abcde"), {}, tmp_path)
    job = a_job(tmp_path, "mbpp", layout)
    answers = [
        f"[BEGIN]\n'{rows[0]['code']}'\n[DONE]",
        PASSES_NOTHING,
        f"```python\n{WRITES_OUTSIDE}\n```",
    ]
    answers += [f"```python\n{code}\n```" for code in ("import sys\nsys.exit()", "import os\nos._exit(0)")]
    save_answers(job, "mbpp", answers, [item.gold for item in layout["mbpp"]])
    OUTSIDE.unlink(missing_ok=True)
    sandboxing.evaluate_shut_in(job, 900)
    journal = Journal(tmp_path / "answers.jsonl")
    graded = read_graded(job, benchmark_called("mbpp"), layout, "greedy", 0, journal)
    assert [row["correct"] for row in graded.rows] == [True, False, False, False, False]
    assert not OUTSIDE.exists()


def _renumbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "question_id": str(number)} for number, row in enumerate(rows)]


def _right_program() -> tuple[str, str]:
    """A question and a program that LiveCodeBench itself found right."""
    with gzip.open(
        DATA / "livecodebench" / "graded_solutions_third.jsonl.gz", "rt", encoding="utf-8"
    ) as lines:
        row = next(row for row in map(json.loads, lines) if row["graded"])
    return str(row["question_id"]), row["code"]
