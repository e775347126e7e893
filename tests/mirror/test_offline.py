"""Without a network nothing is reached for, in any process; what is missing is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mirror.conftest import COMMAND, CORPUS, MODEL, TASK, Run
from tests.mirror.loopback_hub import Hub

BLOCK = """
import os, socket

def refuse(self, address, *_):
    if self.family != socket.AF_UNIX:
        with open(os.environ["REACHED_FOR"], "a") as log:
            log.write(f"{address}\\n")
        raise OSError("the network is blocked")
    return connect(self, address)

def refuse_name(host, *_, **__):
    with open(os.environ["REACHED_FOR"], "a") as log:
        log.write(f"{host}\\n")
    raise OSError("the network is blocked")

connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.gethostbyname = refuse_name
"""
SMALL = ["--queries", "12", "--set", "training.batch_size=4", "--set", "training.micro_batch_size=4"]
SCORING = [
    "--set",
    "evaluation.limit=2",
    "--set",
    "evaluation.samples=1",
    "--set",
    "evaluation.max_tokens=16",
    "--set",
    "evaluation.temperatures=[]",
]


@pytest.fixture
def blocked(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """In which every Python process notes and refuses each address that it is to connect to or look up."""
    folder = tmp_path / "block"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCK)
    path = os.pathsep.join([str(folder), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**environment, "PYTHONPATH": path, "REACHED_FOR": str(tmp_path / "reached-for")}


def reached_for(tmp_path: Path) -> list[str]:
    log = tmp_path / "reached-for"
    return log.read_text().splitlines() if log.exists() else []


def test_the_block_works(tmp_path: Path, blocked: dict[str, str]) -> None:
    ask = "import socket; socket.create_connection(('localhost', 1))"
    assert subprocess.run([sys.executable, "-c", ask], env=blocked, capture_output=True).returncode == 1
    assert reached_for(tmp_path) == ["localhost"]


@pytest.mark.slow
def test_eval_reaches_for_nothing(tmp_path: Path, run: Run, blocked: dict[str, str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    out = run("eval", "lab", "--limit", "2", "--samples", "1", "--offline", *home, **blocked).stdout
    assert "lab" in out
    assert reached_for(tmp_path) == []


@pytest.mark.slow
def test_training_on_a_mirror_reaches_for_nothing(
    tmp_path: Path, run: Run, blocked: dict[str, str], hub: Hub
) -> None:
    mirror = tmp_path / "mirror"
    run("data", "pull", str(mirror), "--model", MODEL, "--corpus", CORPUS, "--suite", TASK)
    hub.fetched.clear()
    local = ["--model", f"{mirror}/models/made--up-model", "--corpus", f"{mirror}/corpora/made--queries"]
    local += ["--data", str(mirror), "--suite", TASK, "--home", str(tmp_path / "home")]
    done = run("train", "--method", "sft", *local, *SMALL, *SCORING, "--offline", **blocked)
    assert "checkpoint: " in done.stdout
    assert reached_for(tmp_path) == []
    assert hub.fetched == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval", MODEL, "--suite", "lab_words"], f"model '{MODEL}' is not on this machine"),
        (["eval", "lab", "--suite", TASK], "HuggingFaceH4/MATH-500 is not on this machine"),
        (["train", "--corpus", "openhermes"], "xufangzhi/OpenHermes_48K_train is not on this machine"),
    ],
)
def test_what_is_missing_is_one_line(
    tmp_path: Path, blocked: dict[str, str], arguments: list[str], said: str
) -> None:
    command = [*COMMAND, *arguments, "--home", str(tmp_path / "home")]
    for option, variable in ((["--offline"], {}), ([], {"GENIUS_BENCH_OFFLINE": "1"})):
        done = subprocess.run(
            [*command, *option], env={**blocked, **variable}, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 2, done.stderr
        [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert said in line
        assert "genius-bench data pull" in line
        assert "Traceback" not in done.stderr
    assert reached_for(tmp_path) == []


def test_pulling_offline_is_refused(tmp_path: Path, run: Run) -> None:
    arguments = ["data", "pull", str(tmp_path / "mirror"), "--suite", TASK]
    assert "needs the network" in run(*arguments, code=2, GENIUS_BENCH_OFFLINE="1").stderr
    assert run(*arguments, "--dry-run", GENIUS_BENCH_OFFLINE="1").stdout.count("to fetch") == 1
