"""The whole stage with a scripted engine: lab tasks, resume, errors, regrading."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation import graders, sandbox
from genius_bench.evaluation.asking import LazyEngine
from genius_bench.evaluation.metrics import item_values
from genius_bench.evaluation.scores import read_scores
from genius_bench.evaluation.stage import evaluate, regrade
from genius_bench.lab.items import evaluation_items
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.rows import Score
from tests.evaluation.fake_engine import FakeEngine, Script

GOLD = {item["question"]: item["answer"] for item in evaluation_items("lab_words", count=200)}


def right(prompt: str, request: Request) -> str:
    question = prompt.removeprefix("Question: ").removesuffix("\n\nAnswer:")
    return f"So it is clear.\nThe answer is {GOLD[question]}."


def run(
    store: Store, script: Script, tasks: tuple[str, ...] = ("lab_words",), **settings: object
) -> tuple[list[Artifact], list[FakeEngine]]:
    engines: list[FakeEngine] = []

    def factory() -> FakeEngine:
        engines.append(FakeEngine(script))
        return engines[-1]

    artifacts = evaluate(
        store,
        model=ModelFiles("fake", Path("fake"), "c0ffee"),
        engine=LazyEngine(factory),
        checkpoint_fingerprint="c0ffee",
        tasks=list(tasks),
        settings=EvaluationSection(**({"samples": 2, "limit": 20} | settings)),  # type: ignore[arg-type]
        engine_settings=EngineSection(),
    )
    return artifacts, engines


def by_metric(artifact: Artifact) -> dict[str, Score]:
    return {score.metric: score for score in read_scores(artifact)}


def test_right_answers_score_full_marks_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    [artifact], [engine] = run(store, right)
    scores = by_metric(artifact)
    assert scores["greedy"].value == scores["sampled"].value == scores["released_greedy"].value == 100
    assert scores["format_failure"].value == scores["truncated"].value == scores["error"].value == 0
    assert scores["greedy"].n == 20
    assert scores["sampled"].details["answers_per_item"] == 2
    assert scores["greedy"].low < 100
    assert len(engine.requests) == 60
    [again], engines = run(store, right)
    assert again.key == artifact.key
    assert engines == []


def test_requests_are_greedy_once_and_sampled_with_seeds_of_their_own(tmp_path: Path) -> None:
    _, [engine] = run(Store(tmp_path), right)
    assert len({request.seed for request in engine.requests}) == 60
    assert sorted({request.temperature for request in engine.requests}) == [0.0, 1.0]
    assert sum(request.temperature == 0 for request in engine.requests) == 20
    _, [other] = run(Store(tmp_path / "other"), right, limit=5)
    few = {request.seed for request in other.requests}
    assert few < {request.seed for request in engine.requests}


def test_the_prompt_that_was_read_is_kept_once_an_item(tmp_path: Path) -> None:
    store = Store(tmp_path)
    [artifact], [engine] = run(store, right)
    answers = store.named("generations", artifact.manifest["inputs"]["generations"])
    kept = [row["prompt"] for row in answers.rows() if row["repeat"] == 0]
    assert {row["prompt"] for row in answers.rows() if row["repeat"]} == {""}
    asked = {"".join(map(chr, request.prompt_ids)) for request in engine.requests}
    assert len(kept) == 20
    assert set(kept) == asked
    assert all(prompt.startswith("Question: ") and prompt.endswith("\n\nAnswer:") for prompt in kept)


def test_every_kind_of_failure_has_its_column_and_counts_as_wrong(tmp_path: Path) -> None:
    kinds: dict[str, str | tuple[str, str] | Exception] = {
        "error": RuntimeError("device lost"),
        "empty": "  ",
        "none": "I would rather not say.",
        "cut": ("The answer is 3", "length"),
    }
    names: dict[str, str] = {}

    def script(prompt: str, request: Request) -> object:
        name = names.setdefault(prompt, [*kinds, "right"][len(names) % 5])
        return kinds.get(name) or right(prompt, request)

    [artifact], _ = run(Store(tmp_path), script, samples=0)  # type: ignore[arg-type]
    scores = {name: score.value for name, score in by_metric(artifact).items()}
    assert scores["greedy"] == 20
    assert scores["error"] == scores["empty"] == scores["truncated"] == 20
    assert scores["format_failure"] == 60
    assert "sampled" not in scores
    rows = list(artifact.rows())
    assert len(rows) == 20
    assert {row["error_message"] for row in rows if row["error"]} == {"RuntimeError: device lost"}


def test_a_right_answer_that_was_cut_off_is_wrong(tmp_path: Path) -> None:
    [artifact], _ = run(Store(tmp_path), lambda *asked: (right(*asked), "length"), samples=0, limit=5)
    scores = {name: score.value for name, score in by_metric(artifact).items()}
    assert (scores["greedy"], scores["truncated"], scores["format_failure"]) == (0, 100, 0)


def test_an_answer_that_nothing_could_be_decided_about_is_a_failure_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grade(kind: str, answers: list[Any], **_: object) -> list[graders.Verdict]:
        return [
            graders.Verdict("3", False, "took too long"),
            *[graders.Verdict("3", True)] * (len(answers) - 1),
        ]

    monkeypatch.setattr(graders, "grade", grade)
    [artifact], _ = run(Store(tmp_path), right, samples=0)
    scores = {name: score.value for name, score in by_metric(artifact).items()}
    assert scores["greedy"] == 95, "the denominator is fixed"
    assert scores["ungraded"] == scores["any_failure"] == 5
    assert scores["format_failure"] == 0
    assert [row["ungraded_because"] for row in artifact.rows() if row["ungraded"]] == ["took too long"]


def test_an_engine_that_answers_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GeniusBenchError, match="every request failed; the first: RuntimeError: gone"):
        run(Store(tmp_path), lambda prompt, request: RuntimeError("gone"))
    [artifact], _ = run(Store(tmp_path), right)
    assert by_metric(artifact)["greedy"].value == 100


def test_regrading_uses_stored_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    [artifact], _ = run(store, right)
    assert [found.key for found in regrade(store)] == [artifact.key]
    monkeypatch.setattr(graders, "VERSION", graders.VERSION + 1)
    [regraded] = regrade(store)
    assert regraded.key != artifact.key
    assert by_metric(regraded)["greedy"].value == 100
    [evaluated], engines = run(store, right)
    assert evaluated.key == regraded.key
    assert engines == []


def test_all_kinds_of_lab_task_at_once_share_one_engine(tmp_path: Path) -> None:
    tasks = ("lab_equations", "lab_deduction", "lab_comparison", "lab_functions")
    gold = {item["question"]: item["answer"] for task in tasks for item in evaluation_items(task, count=6)}

    def script(prompt: str, request: Request) -> str:
        answer = gold[prompt.removeprefix("Question: ").removesuffix("\n\nAnswer:")]
        return answer if answer.startswith("def") else f"Done.\nThe answer is {answer}."

    artifacts, engines = run(Store(tmp_path), script, tasks, limit=6, samples=1)
    assert len(engines) == 1
    graded = [one for one in artifacts if "not_scored" not in by_metric(one)["error"].details]
    assert len(graded) == (4 if sandbox.available() is None else 3)
    assert all(by_metric(artifact)["greedy"].value == 100 for artifact in graded)
    assert "released_greedy" not in by_metric(artifacts[-1])


def test_without_a_sandbox_code_is_not_scored_and_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "available", lambda: "no sandbox (apt install bubblewrap)")
    tasks = ("lab_functions", "lab_words")
    artifacts, _ = run(Store(tmp_path), lambda prompt, _: "def f(x): return x", tasks, limit=3, samples=0)
    assert by_metric(artifacts[0])["error"].details["not_scored"] == "no sandbox (apt install bubblewrap)"
    assert "greedy" not in by_metric(artifacts[0])
    assert "greedy" in by_metric(artifacts[1])
    assert "lab_functions: not scored: no sandbox (apt install bubblewrap)" in capsys.readouterr().err


def test_item_values_are_shares_per_question(tmp_path: Path) -> None:
    def script(prompt: str, request: Request) -> str:
        return right(prompt, request) if request.seed % 2 or not request.temperature else "The answer is 0."

    [artifact], _ = run(Store(tmp_path), script)
    sampled = item_values(artifact.rows(), "sampled")
    assert set(item_values(artifact.rows(), "greedy").values()) == {1.0}
    assert set(sampled.values()) <= {0.0, 0.5, 1.0}
    assert by_metric(artifact)["sampled"].value == pytest.approx(100 * sum(sampled.values()) / 20)


KILLED = """
import sys
from pathlib import Path
from genius_bench.artifacts import Store
from tests.evaluation import test_stage
from tests.evaluation.fake_engine import FakeEngine
from genius_bench.evaluation import asking
asking.SHARD_ROWS = 16
asking.IN_FLIGHT = 4
class Slow(FakeEngine):
    def __init__(self, script): super().__init__(script, delay=0.01)
test_stage.FakeEngine = Slow
test_stage.run(Store(Path(sys.argv[1])), test_stage.right, limit=200)
"""


def test_a_killed_evaluation_continues(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("artifacts/generations/*.partial/rows/*.parquet"))) < 3:
        assert time.monotonic() < deadline, "no shard was written"
        assert process.poll() is None, "finished before it could be killed"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    [artifact], [engine] = run(Store(tmp_path), right, limit=200)
    assert 0 < len(engine.requests) <= 600 - 3 * 16
    generations = Store(tmp_path).all("generations")[0]
    rows = list(generations.rows())
    assert len({row["id"] for row in rows}) == len(rows) == 600
    [whole], _ = run(Store(tmp_path / "whole"), right, limit=200)
    assert {row["seed"] for row in rows} == {
        row["seed"] for row in Store(tmp_path / "whole").all("generations")[0].rows()
    }
    assert json.loads((artifact.path / "scores.json").read_text()) == json.loads(
        (whole.path / "scores.json").read_text()
    )
