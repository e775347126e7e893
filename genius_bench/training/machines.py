"""Other machines, reached by ssh without questions. They share the home's file system and have the same interpreter."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genius_bench.errors import InputError
from genius_bench.opencompass.processes import LEASH

SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=30")
SECONDS_TO_ANSWER = 30
SECONDS_TO_END = 20

PASSED_ON = re.compile(
    r"(PATH|LD_LIBRARY_PATH|TMPDIR|(PYTHON|GENIUS_BENCH_|HF_|TRANSFORMERS_|TOKENIZERS_|TORCH|PYTORCH_|CUDA_|NCCL_|GLOO_|"
    r"UCX_|FI_|OMP_|GOMP_|KMP_|MKL_|DS_|DEEPSPEED_|TRITON_)\w*)"
)
"""Variables that training depends on. Everything else of the environment is a machine's own."""
SECRET = re.compile(r"(?i)(token|key|secret|password|credentials?)$")
"""Command lines can be read by everybody on a machine: none of these is ever in one."""


def check_machine(machine: str, home: Path) -> None:
    """Raises `InputError` unless `machine` answers and has our interpreter and the home."""
    test = f"test -x {shlex.quote(sys.executable)} -a -d {shlex.quote(str(home.absolute()))}"
    try:
        answer = subprocess.run(
            [*SSH, "--", machine, test],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_ANSWER,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"machine '{machine}' cannot be reached by ssh: {error}") from error
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        if answer.returncode == 1:
            reason = f"it lacks {sys.executable} or {home.absolute()}"
        raise InputError(
            f"machine '{machine}' cannot be used: {reason} (it must answer ssh without a password, share the home's "
            "file system and have the same interpreter)"
        )


@contextmanager
def over_ssh(
    machine: str, command: list[str], log: Path, environment: dict[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """Runs `command` on `machine` until this context is left or this process dies.

    There it runs on a leash whose other end is this process's side of ssh's standard input.
    """
    with log.open("ab") as messages:
        process = subprocess.Popen(
            [*SSH, "--", machine, _remote_line(command, log.parent, environment)],
            stdin=subprocess.PIPE,
            stdout=messages,
            stderr=messages,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _remote_line(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    passed = [
        f"{name}={value}"
        for name, value in environment.items()
        if PASSED_ON.fullmatch(name) and not SECRET.search(name)
    ]
    words = ["env", *passed, sys.executable, "-I", str(LEASH), "0", *command]
    return f"cd {shlex.quote(str(folder))} && exec {shlex.join(words)}"
