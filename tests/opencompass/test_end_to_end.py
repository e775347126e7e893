"""OpenCompass itself, in its own environment: real items, a served checkpoint, a loopback judge."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from genius_bench import opencompass
from genius_bench.artifacts import Artifact, Store
from genius_bench.engines.loading import resolve_model
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.scores import read_scores
from genius_bench.recipe import EngineSection, EvaluationSection, JudgeSection
from genius_bench.rows import Score
from tests.judging.loopback import Messages, Server, serve

from .support import DATA, HOME, built_environment
from .test_processes import is_alive, within

pytestmark = [
    pytest.mark.opencompass,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark items in {DATA} (GENIUS_BENCH_TEST_DATA)"),
]
LIMIT = 3
TASKS = ["mmlu", "alpaca_eval", "arena_hard"]


@dataclass
class Scored:
    artifacts: dict[str, Artifact]
    judge: Server
    home: Path
    settings: EvaluationSection

    def score(self, task: str, metric: str) -> Score:
        return {score.metric: score for score in read_scores(self.artifacts[task])}[metric]


def reply(messages: Messages) -> str:
    """A judge that always finds the first answer clearly better."""
    return "My final verdict is: [[A>>B]]" if "Assistant A" in messages[-1]["content"] else "m"


def evaluate(home: Path, settings: EvaluationSection, tasks: list[str]) -> list[Artifact]:
    model, engine = resolve_model("lab"), EngineSection(device="cpu")
    store = Store(home)
    return opencompass.evaluate(store, tasks=tasks, model=model, engine=engine, settings=settings, home=HOME)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    built_environment()
    home = tmp_path_factory.mktemp("home")
    with serve(reply) as judge:
        settings = EvaluationSection(
            protocol="paper",
            data=str(DATA),
            limit=LIMIT,
            max_tokens=32,
            judge=JudgeSection(model="loopback", url=judge.url),
        )
        artifacts = dict(zip(TASKS, evaluate(home, settings, TASKS), strict=True))
        yield Scored(artifacts, judge, home, settings)


def test_an_objective_benchmark(scored: Scored) -> None:
    score = scored.score("mmlu", "sampled")
    assert (score.n, score.details["protocol"]) == (LIMIT, "paper (opencompass 0.5.4)")
    assert score.details["headline"] == "sampled"
    rows = list(scored.artifacts["mmlu"].rows())
    own = score.details["opencompass"]["sample-1"]["accuracy"]
    assert score.value == pytest.approx(own)
    assert 100 * sum(row["correct"] for row in rows) / LIMIT == pytest.approx(own)
    assert [row["item_id"] for row in rows] == load_items(task_card("mmlu"), str(DATA)).ids[:LIMIT]
    assert all(row["response_tokens"] > 0 and row["finish_reason"] in ("stop", "length") for row in rows)
    assert not any(row["error"] for row in rows)


def test_subjective_benchmarks(scored: Scored) -> None:
    alpaca = scored.score("alpaca_eval", "sampled_win_rate[loopback]")
    rows = list(scored.artifacts["alpaca_eval"].rows())
    assert alpaca.n == LIMIT
    assert alpaca.value == pytest.approx(alpaca.details["opencompass"]["sample-1"]["total"], abs=0.01)
    assert [row["judgements"] for row in rows] == [["m"]] * LIMIT
    assert all(row["correct"] in (0.0, 1.0) for row in rows)


def test_arena_hard_with_a_judge_that_always_prefers_one_place(scored: Scored) -> None:
    """Both orders are judged, so such a judge decides nothing; OpenCompass' own count may fail on it."""
    score = scored.score("arena_hard", "weighted_win_rate[loopback]")
    assert (score.value, score.n) == (50.0, LIMIT)
    rows = list(scored.artifacts["arena_hard"].rows())
    assert [row["extracted"] for row in rows] == ["A>>B / A>>B"] * LIMIT


def test_a_second_time_nothing_is_started(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = len(scored.judge.prompts)
    started = time.monotonic()
    again = evaluate(scored.home, scored.settings, TASKS)
    assert [one.key for one in again] == [scored.artifacts[task].key for task in TASKS]
    assert len(scored.judge.prompts) == asked
    assert time.monotonic() - started < 30


def test_no_key_is_left_in_what_opencompass_writes(scored: Scored) -> None:
    for artifact in scored.artifacts.values():
        for path in (artifact.path / "opencompass").rglob("*.py"):
            assert "key='ENV'" in path.read_text(encoding="utf-8")


CHILD = """
import sys
from pathlib import Path
from tests.opencompass.test_end_to_end import evaluate
from genius_bench.recipe import EvaluationSection
settings = EvaluationSection(protocol="paper", data=sys.argv[2], limit=4, max_tokens=8)
evaluate(Path(sys.argv[1]), settings, ["mmlu"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_after_a_kill_nothing_lives_on_and_no_answer_is_asked_for_twice(tmp_path: Path) -> None:
    built_environment()
    home = tmp_path / "home"
    before = _processes()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(DATA)],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert within(600, lambda: bool(_journal(home)) or child.poll() is not None)
    children = {
        pid for pid in _processes() - before if str(tmp_path) in _command(pid) or "leash.py" in _command(pid)
    }
    assert children
    child.send_signal(signal.SIGKILL)
    child.wait()
    noted = _journal(home)
    assert within(30, lambda: not any(map(is_alive, children)))
    settings = EvaluationSection(protocol="paper", data=str(DATA), limit=4, max_tokens=8)
    [artifact] = evaluate(home, settings, ["mmlu"])
    assert read_scores(artifact)[0].n == 4
    requests = [json.loads(line)["request"] for line in _journal(home)]
    assert len(requests) == len(set(requests)) == 4
    assert requests[: len(noted)] == [json.loads(line)["request"] for line in noted]


def _journal(home: Path) -> list[str]:
    files = list(home.glob("artifacts/scores/*/opencompass/answers.jsonl"))
    return [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def _processes() -> set[int]:
    return {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
