"""What the processes that the harness starts find in their environment."""

import os
import signal
import subprocess
import sys
import time

import psutil  # type: ignore[import-untyped]
import pytest

LEAVING = """
import sys
from multiprocessing.context import BaseContext
BaseContext.set_forkserver_preload = lambda *_: None  # this stage needs no torch
from genius_bench.errors import GeniusBenchError
from genius_bench.processes import in_own_process
if __name__ == "__main__":
    try:
        in_own_process(sys.exit, 0)
    except GeniusBenchError as error:
        print(error)
"""
"""What a library does that thinks it is a program."""

NAPPING = """
import time
from multiprocessing.context import BaseContext
BaseContext.set_forkserver_preload = lambda *_: None  # this stage needs no torch
from genius_bench.cli import app, main
from genius_bench.processes import in_own_process

@app.command()
def nap():
    print("napping", flush=True)
    in_own_process(time.sleep, 120)

if __name__ == "__main__":
    main(["nap"])
"""

ASKED = """
from genius_bench.processes import in_own_process
from os import getenv
if __name__ == "__main__":
    print(in_own_process(getenv, "OMP_WAIT_POLICY"), in_own_process(getenv, "GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize(
    ("users_own", "found"),
    [
        ({}, "passive 0"),
        ({"OMP_WAIT_POLICY": "active"}, "active None"),
        ({"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "7"}, "active 7"),
    ],
)
def test_threads_of_stages_wait_passively_unless_the_user_says_otherwise(
    users_own: dict[str, str], found: str
) -> None:
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=inherited | users_own,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert asked.stdout.split() == found.split()


def test_a_stage_that_ends_itself_is_no_success() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith("the exit stage ended itself (exit code 0)")
    assert "run the same command again" in done.stdout


@pytest.mark.parametrize("group", [True, False], ids=["the whole group, as Slurm does", "the command alone"])
def test_a_sigterm_ends_stages_and_says_how_to_go_on(group: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NAPPING],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "napping\n"
        family = psutil.Process(process.pid)
        while len(family.children(recursive=True)) < 3:  # the tracker, the server, and the stage
            assert process.poll() is None
            time.sleep(0.05)
        children = family.children(recursive=True)
        (os.killpg if group else os.kill)(process.pid, signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert errors == "error: interrupted; run the same command again to continue where it stopped\n"
    assert not psutil.wait_procs(children, timeout=30)[1]
