"""Runs model-written Python where it can do no harm: bubblewrap, no network, an empty file system, hard limits.

A program and some expressions go in; the expressions' values come out as plain literals. What the values should be
stays outside, so a program cannot pass a test by any other way than computing the right value.
"""

import ast
import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

NOBODY = 65534
PYTHON_PLACES = "/usr/bin:/usr/local/bin"
DRIVER = Path(__file__).with_name("sandbox_driver.py")


@dataclass(frozen=True)
class Limits:
    """What one program may use. Memory and CPU time are per process; `wall_seconds` ends it all."""

    wall_seconds: float = 10.0
    output_bytes: int = 64 * 1024
    cpu_seconds: int = 5
    memory_bytes: int = 512 * 2**20
    processes: int = 16
    file_bytes: int = 16 * 2**20
    open_files: int = 64

    def inside(self, *, contained: bool) -> dict[str, int]:
        """The limits that the process sets on itself (a user's processes are countable only inside)."""
        limits = asdict(self)
        for outer in ("wall_seconds", "output_bytes", *(() if contained else ("processes",))):
            del limits[outer]
        return limits


LIMITS = Limits()


@dataclass(frozen=True)
class Program:
    """Untrusted code and the expressions to evaluate after it, in its namespace."""

    code: str
    expressions: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Expression index → its value, for those that produced one. `problem` says what went wrong first, if anything."""

    values: dict[int, Any]
    problem: str | None
    seconds: float


@cache
def available() -> str | None:
    """None when programs can be run here in isolation, else the reason why not."""
    if sys.platform != "linux":
        return "the sandbox needs Linux"
    if shutil.which("bwrap") is None:
        return "no sandbox (apt install bubblewrap)"
    if shutil.which("python3", path=PYTHON_PLACES) is None:
        return "no sandbox (no python3 in /usr/bin for it to run)"
    process = _start(_bubblewrap(), stderr=subprocess.PIPE)
    job = {"code": "", "expressions": ["6 * 7"], "limits": LIMITS.inside(contained=True)}
    try:
        output, errors = process.communicate(json.dumps(job).encode(), timeout=30)
    except subprocess.TimeoutExpired:
        _kill(process)
        return "no sandbox (bubblewrap does not finish here)"
    if json.dumps([0, "value", "42"]).encode() in output:
        return None
    reason = errors.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
    return f"no sandbox (bubblewrap cannot isolate programs here: {reason[-1]})"


def run(programs: Sequence[Program], limits: Limits = LIMITS, *, unsafe: bool = False) -> list[Outcome]:
    """Runs each program on its own, a few at a time. `unsafe` uses a plain subprocess without isolation."""
    workers = max(1, min(8, len(os.sched_getaffinity(0))))
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(lambda program: _run_one(program, limits, unsafe), programs))


def _run_one(program: Program, limits: Limits, unsafe: bool) -> Outcome:
    started = time.monotonic()
    job = {
        "code": program.code,
        "expressions": program.expressions,
        "limits": limits.inside(contained=not unsafe),
    }
    with tempfile.TemporaryDirectory(prefix="genius-bench-") as folder:
        source = Path(folder) / "job.json"
        source.write_text(json.dumps(job), encoding="utf-8")
        with source.open("rb") as stdin:  # read-only, so that the program cannot write to the disk through it
            process = _start(_plain() if unsafe else _bubblewrap(), stdin=stdin)
            output, ended = _read(process, started + limits.wall_seconds, limits.output_bytes)
            _kill(process)
    values, problem = _values(output)
    if len(values) < len(program.expressions):
        problem = problem or ended or _death(process.returncode)
    return Outcome(values, problem, time.monotonic() - started)


def _bubblewrap() -> list[str]:
    """Own namespaces for everything; of the machine only /usr is visible, read-only."""
    python = shutil.which("python3", path=PYTHON_PLACES) or "python3"
    arguments = f"""bwrap --unshare-all --unshare-user {_no_nested_namespaces()} --uid {NOBODY} --gid {NOBODY}
        --hostname sandbox --die-with-parent --new-session --cap-drop ALL --clearenv
        --setenv PATH /usr/bin:/bin --setenv HOME /tmp --setenv LANG C.UTF-8 --setenv OMP_NUM_THREADS 1
        --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin
        --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
        --proc /proc --dev /dev --size 8388608 --tmpfs /dev/shm --remount-ro /dev
        --size 67108864 --tmpfs /tmp --remount-ro / --chdir /tmp --"""
    return [*arguments.split(), python, "-I", "-c", _driver()]


def _plain() -> list[str]:
    return [sys.executable, "-I", "-c", _driver()]


@cache
def _driver() -> str:
    return DRIVER.read_text(encoding="utf-8")


@cache
def _no_nested_namespaces() -> str:
    """Versions before 0.8 do not know the option; programs there still have no capabilities."""
    shown = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" if "--disable-userns" in shown.stdout + shown.stderr else ""


def _start(command: list[str], stdin: Any = subprocess.PIPE, stderr: int = subprocess.DEVNULL) -> Any:
    """As nobody when we are root: a root caller's process counts and /proc/sys would be open to the program."""
    drop: dict[str, Any] = {}
    if os.geteuid() == 0 and command[0] == "bwrap":
        drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, cwd="/", start_new_session=True, **drop
    )


def _read(process: Any, deadline: float, limit: int) -> tuple[bytes, str | None]:
    """Output until the process closes it, the deadline passes or the limit is reached, and which of the latter."""
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return output, "timeout"
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return output, None
            output += chunk
            if len(output) > limit:
                return output[:limit], "too much output"


def _kill(process: Any) -> None:
    """Ends the process and all it started (bubblewrap's namespaces die with it)."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _values(output: bytes) -> tuple[dict[int, Any], str | None]:
    """The values among the lines that came out. The program may have written lines of its own: none is believed
    to be more than a value, and anything that is no such line is skipped."""
    values: dict[int, Any] = {}
    problem: str | None = None
    for line in output.decode(errors="replace").splitlines():
        try:
            index, kind, text = json.loads(line)
            if kind == "value" and isinstance(index, int):
                values.setdefault(index, ast.literal_eval(text))
            elif kind == "error":
                problem = problem or str(text)[:100]
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return values, problem


def _death(returncode: int) -> str:
    number = returncode - 128 if returncode > 128 else -returncode
    try:
        return f"killed ({signal.Signals(number).name})"
    except ValueError:
        return "ended early"
