import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass.processes import last_lines, leashed
from genius_bench.opencompass.serving import _wait

ENVIRONMENT = {"PATH": os.environ["PATH"]}
OWNER = """
import sys, time
from pathlib import Path
from genius_bench.opencompass.processes import leashed
folder = Path(sys.argv[1])
script = "sleep 300 & echo $! >> pids; echo $$ >> pids; wait"
with leashed(["sh", "-c", script], log=folder / "log", environment={"PATH": sys.argv[2]}, folder=folder):
    time.sleep(300)
"""


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_and_its_children_end_with_a_killed_owner(tmp_path: Path, number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), os.environ["PATH"]])
    pids = tmp_path / "pids"
    assert within(60, lambda: pids.exists() and len(pids.read_text().split()) == 2)
    owner.send_signal(number)
    owner.wait()
    started = [int(pid) for pid in pids.read_text().split()]
    assert within(15, lambda: not any(map(is_alive, started)))


def test_a_command_ends_with_its_context_and_knows_only_its_environment(tmp_path: Path) -> None:
    log, command = tmp_path / "log", ["sh", "-c", "env; echo to stderr >&2; sleep 300"]
    started = time.monotonic()
    with leashed(command, log=log, environment=ENVIRONMENT | {"ONLY": "this"}, folder=tmp_path) as process:
        assert within(30, lambda: "to stderr" in last_lines(log))
    assert process.returncode is not None
    assert time.monotonic() - started < 40
    names = {line.partition("=")[0] for line in log.read_text().splitlines() if "=" in line}
    assert names <= {"PATH", "ONLY", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}


def test_output_can_be_kept_apart(tmp_path: Path) -> None:
    command, output = ["sh", "-c", "echo one; echo two >&2; exit 3"], tmp_path / "output"
    with leashed(
        command, log=tmp_path / "log", environment=ENVIRONMENT, folder=tmp_path, output=output
    ) as process:
        assert process.wait() == 3
    assert (output.read_text(), (tmp_path / "log").read_text()) == ("one\n", "two\n")


def test_a_server_that_dies_is_told_with_its_last_lines(tmp_path: Path) -> None:
    log, command = tmp_path / "log", ["sh", "-c", "echo loading; echo CUDA out of memory >&2; exit 1"]
    with (
        leashed(command, log=log, environment=ENVIRONMENT, folder=tmp_path) as process,
        pytest.raises(GeniusBenchError, match=r"ended early: .*CUDA out of memory"),
    ):
        _wait(process, 9, log, 60)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    log, command = tmp_path / "log", ["sh", "-c", "echo still loading; sleep 300"]
    with (
        leashed(command, log=log, environment=ENVIRONMENT, folder=tmp_path) as process,
        pytest.raises(GeniusBenchError, match=r"not ready after 1 s: .*still loading"),
    ):
        _wait(process, 9, log, 1)
