"""The main job as a user runs it: a real command, the real lab model, real kills, a really full disk."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from safetensors.torch import load_file

from genius_bench.artifacts import Store
from genius_bench.processes import _context
from genius_bench.runs import read_runs

COMMAND = [sys.executable, "-c", "from genius_bench.cli import main; main()"]
QUERIES = 32
SMALL = ["--queries", str(QUERIES), "--set", "sampling.steps=2", "--set", "training.batch_size=8"]
SMALL += ["--set", "engine.max_batch=16"]  # few queries in flight, so that shards fill one after the other
SMALL += ["--set", "training.micro_batch_size=8", "--set", "training.checkpoint_every=1"]
SCORING = [
    "--suite",
    "lab_words,lab_comparison",
    "--set",
    "evaluation.limit=6",
    "--set",
    "evaluation.samples=2",
    "--set",
    "evaluation.temperatures=[0.5]",
]


def start(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *arguments, "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(home: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    process = start(home, *arguments)
    out, err = process.communicate(timeout=1200)
    assert process.returncode == code, err
    return out, err


def rows_of(home: Path, kind: str) -> list[dict[str, Any]]:
    artifacts = Store(home).all(kind)
    assert len(artifacts) == 1
    return sorted(artifacts[0].rows(), key=lambda row: row["id"])


def assert_same_rows(one: Path, other: Path) -> None:
    """The same rows with the same tokens; numbers agree to what a batch of another size changes in floating point."""
    for mine, theirs in zip(rows_of(one, "training-set"), rows_of(other, "training-set"), strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in mine.items():
            assert theirs[name] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    home = tmp_path_factory.mktemp("home")
    return home, run(home, "train", "--method", "genius", *SMALL, *SCORING)[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_train_ends_with_the_board(trained: tuple[Path, str]) -> None:
    home, out = trained
    assert "lab (base)" in out
    assert "genius seed 0" in out
    [recorded] = read_runs(home)
    checkpoint = Path(recorded.checkpoints[0]["path"])
    assert (checkpoint / "model.safetensors").exists()
    assert {e.model for e in recorded.evaluations} == {"lab", "genius"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_board_numbers_are_those_of_the_stored_answers(trained: tuple[Path, str]) -> None:
    """An independent way to the same numbers: SQL over the Parquet files."""
    home, _ = trained
    rows = [row for row in json.loads(run(home, "board", "--json")[0]) if not row["is_control"]]
    [recorded] = read_runs(home)
    for evaluation, row in zip(recorded.on_boards, rows, strict=True):
        for task, key in evaluation.scores.items():
            files = str(home / "artifacts" / "scores" / key / "rows" / "*.parquet")
            query = f"select avg(correct::int), count(*) from '{files}' where repeat > 0"
            [(value, count)] = duckdb.sql(query).fetchall()
            assert count == 12
            assert row["cells"][task]["value"] == pytest.approx(value)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_second_run_finds_everything(trained: tuple[Path, str]) -> None:
    home, out = trained
    before = {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*") if path.is_file()}
    assert run(home, "train", "--method", "genius", *SMALL, *SCORING)[0] == out
    assert {p: p.stat().st_mtime_ns for p in (home / "artifacts").rglob("*") if p.is_file()} == before


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_another_objective_samples_nothing_again(trained: tuple[Path, str]) -> None:
    home, _ = trained
    run(home, "train", "--objective", "dpo", "--no-eval", *SMALL)
    assert len(Store(home).all("collection")) == 1
    assert len(Store(home).all("checkpoint")) == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eval_of_a_checkpoint_joins_the_board(trained: tuple[Path, str]) -> None:
    home, _ = trained
    [recorded] = [run for run in read_runs(home) if run.evaluations]
    out, _ = run(
        home,
        "eval",
        recorded.checkpoints[0]["path"],
        "--limit",
        "6",
        "--samples",
        "2",
        *SCORING[:2],
        *SCORING[-2:],
    )
    assert "genius seed 0" in out, "shown as the model that its run trained, not by its path"
    assert "lab (base)" in out


def stored_shards(home: Path) -> list[Path]:
    """What an unfinished sampling has on disk."""
    return list(home.glob("artifacts/collection/*.partial/rows/*.parquet"))


def kill_when(process: "subprocess.Popen[str]", whole_group: bool, moment: Callable[[], bool]) -> None:
    """SIGKILL of the command, whose stages must then end by themselves, or of everything at once."""
    while process.poll() is None and not moment():
        time.sleep(0.01)
    if process.poll() is None:
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
    process.communicate()


def train_here(home: Path) -> None:
    """All stages in this process, which was forked with the libraries that a command has to import first."""
    from genius_bench import stages
    from genius_bench.cli import main

    stages.in_own_process = lambda stage, *arguments, **named: stage(*arguments, **named)
    main(["train", "--no-eval", *SMALL, "--home", str(home)])


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_killed_at_twenty_random_moments(trained: tuple[Path, str], tmp_path: Path) -> None:
    """The first kill falls into the middle of sampling, the others anywhere: same training set in the end. Every third
    is one of a command, the others are of one process."""
    home, _ = trained
    began = time.monotonic()
    process = start(tmp_path / "undisturbed", "train", "--no-eval", *SMALL)
    while not list(tmp_path.glob("undisturbed/artifacts/*/*.partial")):
        time.sleep(0.05)
    imported = time.monotonic() - began
    _, err = process.communicate()
    assert process.returncode == 0, err
    worked = time.monotonic() - began - imported
    disturbed = tmp_path / "disturbed"
    process = start(disturbed, "train", "--no-eval", *SMALL)
    kill_when(process, False, lambda: bool(stored_shards(disturbed)))
    assert stored_shards(disturbed), "sampling had rows on disk and was not finished"
    chance = random.Random(0)
    for number in range(19):
        moment = chance.uniform(-0.1, 0.5) * worked
        if number % 3 == 0:
            process = start(disturbed, "train", "--no-eval", *SMALL)
            end = time.monotonic() + imported + moment
            kill_when(process, number % 2 == 0, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
        else:
            forked = _context().Process(target=train_here, args=(disturbed,))
            forked.start()
            forked.join(max(0.0, moment))
            forked.kill()
            forked.join()
        if list(disturbed.glob("artifacts/checkpoint/*/manifest.json")):
            shutil.rmtree(disturbed / "artifacts" / "checkpoint")  # nothing would be left to kill
    run(disturbed, "train", "--no-eval", *SMALL)
    assert_same_rows(disturbed, home)
    assert len(rows_of(disturbed, "collection")) == QUERIES
    [mine], [theirs] = (Store(where).all("checkpoint") for where in (disturbed, tmp_path / "undisturbed"))
    mine_weights, their_weights = (load_file(one.path / "model/model.safetensors") for one in (mine, theirs))
    torch.testing.assert_close(mine_weights, their_weights, atol=1e-3, rtol=0)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_loses_nothing(trained: tuple[Path, str], tmp_path: Path) -> None:
    home, _ = trained
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        _, err = run(small, "train", "--no-eval", *SMALL, code=2)
        [said] = [line for line in err.splitlines() if line.startswith("error: ")]
        assert re.search(r"cannot write to .*[Nn]o space left", said), said
        assert not list(small.glob("artifacts/checkpoint/*/manifest.json"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        run(small, "train", "--no-eval", *SMALL)
        assert_same_rows(small, home)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_real_queries_in_a_file_with_a_model_of_another_kind(tmp_path: Path) -> None:
    """Any JSONL and any causal language model: here a random Qwen2 with its own template and no BOS."""
    from tests.engines.conftest import build

    corpus = tmp_path / "queries.jsonl"
    lines = [{"instruction": f"Count to {n}.", "output": "1, 2, 3"} for n in range(6)]
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
    model = build("qwen2", tmp_path / "qwen2")
    limits = ["sampling.step_max_tokens=8", "sampling.foresight_max_tokens=16", "sampling.unfinished=keep"]
    settings = [word for limit in limits for word in ("--set", limit)]
    home = tmp_path / "home"
    arguments = ["train", "--corpus", str(corpus), "--model", str(model), "--no-eval", *settings]
    _, err = run(home, *arguments, code=2)
    assert "line 7" in err
    run(home, *arguments, "--skip-bad-rows")
    assert rows_of(home, "training-set")
