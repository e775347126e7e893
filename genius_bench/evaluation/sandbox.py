"""Runs model-written Python where it can do no harm: bubblewrap, no network, an empty file system, hard limits.

A program and some expressions go in, the expressions' values come out; or a script and inputs, and out comes what it
prints on each. What the results should be stays outside, so a program cannot pass a test by any other way than
computing the right result; whatever it reports is its answer.
"""

import contextlib
import fcntl
import io
import json
import os
import platform
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from genius_bench.environment import usable_cores
from genius_bench.evaluation.call_filter import call_filter

NOBODY = 65534
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")
DRIVER = Path(__file__).with_name("sandbox_driver.py").read_text(encoding="utf-8")
RESULT = re.compile(rb'\[(?P<index>-?[0-9]{1,9}), "(?P<kind>value|error|ready)", (?=")')
"""How a line of the driver's begins; a text in quotation marks follows."""
READY = b'[-1, "ready", ""]'
MAX_LINES = 100_000
SCRATCH = 'mount -t tmpfs -o size=64m,nr_inodes=8k,mode=700 scratch /tmp && exec "$@"'
"""In a mount namespace of its own: bubblewrap can limit the bytes of a file system, not the number of its files."""


@dataclass(frozen=True)
class Limits:
    """What one program may use. `wall_seconds` ends it all (and `test_seconds` a script's run on one input). Memory and
    CPU time are per process. The worst case for each of the programs that run at a time (one a core, at most 8):
    `processes` (bubblewrap's and the driver's are two of them, a thread is one) times `memory_bytes`, so 3 GiB; twice
    as much again for the tables that find its pages, where a program scatters them; 64 MiB in at most 8,192 scratch
    files, 0.1 GiB in pipes and sockets, and a core a process for all of `wall_seconds`."""

    wall_seconds: float = 20.0
    output_bytes: int = 256 * 1024
    test_seconds: float = 10.0
    cpu_seconds: int = 10
    memory_bytes: int = 512 * 2**20
    processes: int = 6
    file_bytes: int = 16 * 2**20
    open_files: int = 64
    signals: int = 256

    def inside(self, *, contained: bool) -> dict[str, int]:
        """The limits that the process sets on itself (a user's processes and signals are countable only inside)."""
        outer = {"wall_seconds", "output_bytes", "test_seconds"}
        outer |= set() if contained else {"processes", "signals"}
        return {name: amount for name, amount in asdict(self).items() if name not in outer}


LIMITS = Limits()


@dataclass(frozen=True)
class Program:
    """Untrusted code and the expressions to evaluate after it and after `setup`, which is the benchmark's own code."""

    code: str
    expressions: tuple[str, ...]
    setup: str = ""


@dataclass(frozen=True)
class Script:
    """Untrusted code to run afresh on each input, up to the first that goes wrong: as a program that reads it or, where
    `function` names one, by a call with its lines as JSON arguments. `prelude`, before it, is the benchmark's own."""

    code: str
    inputs: tuple[str, ...]
    function: str | None = None
    prelude: str = ""


Runnable = Program | Script


@dataclass(frozen=True)
class Outcome:
    """Index of expression or input → what came out, where something did: the value as a Python expression, the text
    that the script printed, or the function's result as JSON. `problem` says what went wrong first, if anything. What
    has not `started` says nothing about the program: the machine could not run it."""

    results: dict[int, str]
    problem: str | None
    seconds: float
    started: bool = True


@cache
def available() -> str | None:
    """None when programs can be run here in isolation, else the reason why not."""
    if sys.platform != "linux":
        return "the sandbox needs Linux"
    if shutil.which("bwrap") is None:
        return "no sandbox (apt install bubblewrap)"
    if not all(map(shutil.which, ("unshare", "setpriv"))):
        return "no sandbox (apt install util-linux)"
    if call_filter() is None:
        return f"no sandbox (the numbers of system calls on {platform.machine()} are not known)"
    if PYTHON is None:
        return "no sandbox (no python3 in /usr/bin for it to run)"
    process = _start(_bubblewrap(), stderr=subprocess.PIPE)
    try:
        job = _job(Script("print(6 * int(input()))", ("7",)), LIMITS, contained=True)
        output, errors = process.communicate(job, timeout=30)
    except subprocess.TimeoutExpired:
        _kill(process)
        return "no sandbox (bubblewrap does not finish here)"
    results, problem = _results(output)
    if results == {0: "42\n"}:
        return None
    reasons = errors.decode(errors="replace").strip().splitlines() or [problem or str(process.returncode)]
    return f"no sandbox (bubblewrap cannot isolate programs here: {reasons[-1]})"


def run(programs: Sequence[Runnable], limits: Limits = LIMITS, *, unsafe: bool = False) -> list[Outcome]:
    """Runs each program on its own, a few at a time. `unsafe` uses a plain subprocess without isolation."""
    with ThreadPoolExecutor(min(8, usable_cores())) as threads:
        return list(threads.map(lambda program: _run_one(program, limits, unsafe), programs))


def _run_one(program: Runnable, limits: Limits, unsafe: bool) -> Outcome:
    started = time.monotonic()
    with open(os.memfd_create("job", os.MFD_ALLOW_SEALING), "w+b") as job:
        job.write(_job(program, limits, contained=not unsafe))
        job.seek(0)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
        fcntl.fcntl(job, fcntl.F_ADD_SEALS, seals)  # the program could write to it otherwise
        process = _start([sys.executable, "-I", "-c", DRIVER] if unsafe else _bubblewrap(), stdin=job)
        output, ended = _read(process, started + limits.wall_seconds, limits.output_bytes)
        _kill(process)
    results, problem = _results(output)
    if len(results) < len(program.expressions if isinstance(program, Program) else program.inputs):
        number = process.returncode - 128 if process.returncode > 128 else -process.returncode
        killed = f"killed ({signal.Signals(number).name})" if number in set(signal.Signals) else "ended early"
        problem = problem or ended or killed
    return Outcome(results, problem, time.monotonic() - started, output.startswith(READY))


def _job(program: Runnable, limits: Limits, *, contained: bool) -> bytes:
    """What the driver reads: a line with everything but the inputs, and a line for each of those."""
    job = asdict(program) | {"test_seconds": limits.test_seconds}
    inputs = job.pop("inputs", ())
    job["limits"] = limits.inside(contained=contained)
    return "\n".join(map(ascii, (job, *inputs))).encode()


def _bubblewrap() -> list[str]:
    """Own namespaces for everything; of the machine only /usr is visible, read-only. Process 1, bubblewrap's own, is
    hidden: it has no limits. /dev/zero is empty: mapped, it would be memory that no limit counts. Hashes are not
    random: the order of a set, and so a verdict, is always the same."""
    arguments = f"""unshare --user --map-root-user --mount sh -c SCRATCH sh
        bwrap --seccomp FILTER --unshare-all --unshare-user --uid {NOBODY} --gid {NOBODY}
        --hostname sandbox --die-with-parent --new-session --cap-drop ALL --clearenv
        --setenv PATH /usr/bin:/bin --setenv HOME /tmp --setenv LANG C.UTF-8 --setenv OMP_NUM_THREADS 1
        --setenv PYTHONHASHSEED 0 --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin
        --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
        --proc /proc --tmpfs /proc/1 --remount-ro /proc/1 --dev /dev --dev-bind /dev/null /dev/zero
        --bind /tmp /dev/shm --remount-ro /dev --bind /tmp /tmp --remount-ro / --chdir /tmp --"""
    words = [SCRATCH if word == "SCRATCH" else word for word in arguments.split()]
    return [*words, PYTHON or "python3", "-s", "-c", DRIVER]


def _start(command: list[str], stdin: Any = subprocess.PIPE, stderr: int = subprocess.DEVNULL) -> Any:
    """As nobody when we are root (a root caller's process counts and /proc/sys would be open to the program), and
    without our environment (a program would see it as that of bubblewrap)."""
    options: dict[str, Any] = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": stderr}
    options |= {"cwd": "/", "start_new_session": True}
    if "FILTER" not in command:
        return subprocess.Popen(command, **options)
    options["env"] = {"PATH": os.environ.get("PATH", os.defpath)}
    if os.geteuid() == 0:  # not by subprocess: it would copy all of our memory's tables for every program
        command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *command]
    reader, writer = os.pipe()
    os.write(writer, call_filter() or b"")
    os.close(writer)
    try:
        words = [str(reader) if word == "FILTER" else word for word in command]
        return subprocess.Popen(words, pass_fds=(reader,), **options)
    finally:
        os.close(reader)


def _read(process: Any, deadline: float, limit: int) -> tuple[bytes, str | None]:
    """Output until the process closes it, the deadline passes or the limit is reached, and which of the latter."""
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and selector.select(left):
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return bytes(output), None
            output += chunk
            if len(output) > limit:
                return bytes(output[:limit]), "too much output"
    return bytes(output), "timeout"


def _kill(process: Any) -> None:
    """Ends the process and all it started (bubblewrap's namespaces die with it)."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
        pipe.close()


def _results(output: bytes) -> tuple[dict[int, str], str | None]:
    """The results among the lines that came out. The program may have written lines of its own: none is believed
    to be more than a result, and anything that is no such line is skipped. Only its text is read as JSON: a list of
    16 MiB would be a gigabyte."""
    results: dict[int, str] = {}
    problem = None
    for line in islice(io.BytesIO(output), MAX_LINES):
        form = RESULT.match(line)
        if form is None:
            continue
        try:
            text = json.loads(line[form.end() :].removesuffix(b"]\n"))
        except (ValueError, RecursionError):
            continue
        if form["kind"] == b"value":
            results.setdefault(int(form["index"]), text)
        elif form["kind"] == b"error":
            problem = problem or ascii(text[:100])[1:-1]
    return results, problem
