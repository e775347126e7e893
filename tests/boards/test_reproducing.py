"""`reproduce` as a user runs it: a small board of one's own, killed twice on the way, from nothing to the table."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from genius_bench.artifacts import Store
from genius_bench.boards.figures.drawing import draw
from genius_bench.boards.specification import open_leaderboard
from genius_bench.planning.planner import plan
from genius_bench.planning.throughput import parse_throughput
from genius_bench.resolution import resolve
from genius_bench.runs import read_runs

BOARD: dict[str, Any] = {
    "name": "small",
    "title": "A board of one's own",
    "source": "measured here",
    "common": {
        "model": "lab",
        "corpus": {"queries": 24},
        "training": {"batch_size": 8, "micro_batch_size": 8, "eval_every": 2},
        "evaluation": {"limit": 4, "samples": 2, "temperatures": [0.5]},
    },
    "axes": {
        "method": {"base": {}, "sft": {"method": "sft"}, "coh": {"method": "coh"}, "genius": {}},
        "objective": {"sft": {}, "simpo": {"objective": {"name": "simpo"}}},
    },
}
COLUMNS = [
    {"label": "Words", "task": "lab_words"},
    {"label": "Facts", "task": "lab_facts"},
    {"label": "Avg.", "average": "lab_words,lab_facts"},
]
TABLE = {
    "title": "Methods",
    "marks": "table",
    "columns": COLUMNS,
    "groups": [
        {
            "rows": [
                {"label": "lab", "run": {"method": "base"}},
                {"label": "+ SFT", "run": {"method": "sft"}},
                {"label": "+ CoH", "run": {"method": "coh"}},
            ]
        }
    ],
}
FIGURE = {
    "kind": "steps",
    "title": "Along the way",
    "average": "lab_words,lab_facts",
    "panels": [{"label": "24 queries"}],
    "lines": ["sft", "genius"],
}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    for name, content in (("board", BOARD), ("tables/1", TABLE), ("figures/6", FIGURE)):
        path = folder / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def command(home: Path, board: Path, *arguments: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "genius_bench", *arguments, "--board", str(board), "--home", str(home)]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finished(process: "subprocess.Popen[str]") -> tuple[str, str]:
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    return out, err


def kill_when(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def reproduced(board: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home that was reproduced in three attempts, and what the last one printed."""
    home = tmp_path_factory.mktemp("home")
    kill_when(
        command(home, board, "reproduce", "table1"),
        lambda: any((home / "artifacts" / "generations").glob("*.partial")),  # while the base is asked
    )
    assert not list((home / "runs").glob("*.json"))
    kill_when(
        command(home, board, "reproduce", "table1"),
        lambda: any((home / "artifacts").glob("checkpoint/*")),  # while a method is trained
    )
    out, _ = finished(command(home, board, "reproduce", "table1"))
    return home, out


def cells(home: Path, board: Path) -> list[dict[str, str]]:
    out, _ = finished(command(home, board, "table", "1", "--format", "csv"))
    return list(csv.DictReader(io.StringIO(out)))


def test_what_cannot_run_here_is_refused_before_the_first_run(board: Path, tmp_path: Path) -> None:
    launch = ["--set", "launch.launcher=torchrun", "--set", "launch.processes=3"]
    process = command(tmp_path, board, "reproduce", "table1", *launch)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "is not a multiple" in err.strip().splitlines()[-1]
    assert out == ""
    assert not list(tmp_path.glob("artifacts/*/*")), "not even the base was asked"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_twice_it_ends_in_the_undisturbed_table(
    reproduced: tuple[Path, str], board: Path, tmp_path: Path
) -> None:
    home, out = reproduced
    assert "Table 1: Methods" in out
    finished(command(tmp_path, board, "reproduce", "table1"))
    found, undisturbed = cells(home, board), cells(tmp_path, board)
    assert len(found) == 9
    assert all(cell["measured_value"] for cell in found)
    assert found == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_done_once_nothing_is_made_again(reproduced: tuple[Path, str], board: Path) -> None:
    home, out = reproduced
    before = {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*") if path.is_file()}
    again, err = finished(command(home, board, "reproduce", "table1"))
    assert again == out
    assert "0 of 3 runs are missing" in err
    assert before == {
        path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*") if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_figure_along_a_training_holds_what_was_scored(reproduced: tuple[Path, str], board: Path) -> None:
    home, _ = reproduced
    figure = draw(open_leaderboard(str(board)), "6", home, measured=True)
    assert [row["step"] for row in figure.rows] == [0, 2, 3]
    assert {row["method"] for row in figure.rows} == {"SFT"}
    assert any("genius" in line for line in figure.missing)
    # The same means, straight from the stored answers.
    [run] = [run for run in read_runs(home) if run.recipe and run.recipe["method"] == "sft"]
    wanted = {
        0: run.base_fingerprint,
        2: run.on_the_way[0]["fingerprint"],
        3: run.checkpoints[0]["fingerprint"],
    }
    store = Store(home)
    for row in figure.rows:
        [evaluation] = [one for one in run.on_boards if one.fingerprint == wanted[row["step"]]]
        shares = []
        for task in ("lab_words", "lab_facts"):
            artifact = store.find("scores", evaluation.scores[task])
            assert artifact
            rows = [one["correct"] for one in artifact.rows("repeat", "correct") if one["repeat"] > 0]
            shares.append(sum(rows) / len(rows))
        assert row["value"] == pytest.approx(100 * sum(shares) / 2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_plan_finds_what_was_kept_on_the_way(reproduced: tuple[Path, str]) -> None:
    home, _ = reproduced
    recipe = resolve(BOARD["common"], {"method": "sft", "evaluation": {"suite": "lab_words,lab_facts"}})
    found = plan(home, [recipe], throughput=parse_throughput("sampling=1,training=1", needed=()))
    assert {step.state for step in found.steps} == {"found"}
    assert {step.model for step in found.steps} == {"", "lab", "sft 1", "sft 1 step 2"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_plan_names_what_is_missing(reproduced: tuple[Path, str], board: Path, tmp_path: Path) -> None:
    given = ("--throughput", "sampling=1000,training=1000")
    _, err = finished(command(tmp_path, board, "reproduce", "table1", "--dry-run", *given))
    assert "3 of 3 runs are missing" in err
    assert not list((tmp_path / "runs").glob("*.json"))
    out, _ = finished(command(reproduced[0], board, "table", "1", "--format", "json"))
    assert json.loads(out)
