"""OpenCompass has an environment of its own: it pins NumPy 1, datasets 3 and httpx 0.27, which ours cannot have.

`<home>/environments/opencompass-<version>/`, or the one that GENIUS_BENCH_OPENCOMPASS names.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from genius_bench.errors import GeniusBenchError, InputError

VERSION = "0.5.4"
VARIABLE = "GENIUS_BENCH_OPENCOMPASS"
STAMP = "genius-bench.json"
FOLDER = Path(__file__).parent
REQUIREMENTS = FOLDER / "requirements.txt"
CONSTRAINTS = FOLDER / "constraints.txt"
PYTHONS = ((3, 10), (3, 11), (3, 12))
"""Versions of Python for which NumPy 1.26 and tree-sitter 0.21 are built."""
CHECK_SECONDS = 300
STEPS = ("Collecting", "Installing")
"""How lines of pip begin that say where it is."""
SAY_EVERY_SECONDS = 10.0
CHECK = "import opencompass, opencompass.cli.main, fastapi, uvicorn; print(opencompass.__version__)"
"""`import opencompass` alone would hide a pyarrow that does not fit; its command line needs it."""

Say = Callable[[str], None]


def place(home: Path) -> Path:
    """Where the environment is, or would be built."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return home.expanduser().absolute() / "environments" / f"opencompass-{VERSION}"


def find(home: Path) -> Path:
    """The built environment. Raises `InputError` where there is none."""
    folder = place(home)
    if os.environ.get(VARIABLE):
        if not python_of(folder).exists():
            raise InputError(f"{VARIABLE} = {folder} is no Python environment (there is no bin/python in it)")
        return folder
    if not _is_complete(folder):
        raise InputError("OpenCompass is not installed: run genius-bench setup opencompass")
    return folder


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def setup(home: Path, say: Say) -> Path:
    """Builds the environment (completing one that was left half-built) and checks that it works.

    Needs some minutes and 2.2 GB (8 GB with CUDA's libraries). Raises `GeniusBenchError` with the last lines of what
    failed.
    """
    folder = place(home)
    if os.environ.get(VARIABLE):
        find(home)
        say(f"{VARIABLE} names {folder}: nothing is built")
        check(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if _is_complete(folder):
            say(f"{folder} is there already")
        else:
            _build(folder, say)
        say("checking that OpenCompass starts")
        check(folder)
        (folder / STAMP).write_text(json.dumps({"opencompass": VERSION, "pins": _pins()}), encoding="utf-8")
    return folder


def check(folder: Path) -> None:
    """Starts OpenCompass' command line in the environment. Raises `GeniusBenchError` when that fails."""
    command = [str(python_of(folder)), "-c", CHECK]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            env=_clean(),
            cwd=folder,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GeniusBenchError(f"the environment {folder} cannot be used: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise GeniusBenchError(f"OpenCompass does not start in {folder}: {reason}")
    found = done.stdout.strip().splitlines()[-1]
    if found != VERSION:
        raise GeniusBenchError(
            f"{folder} holds OpenCompass {found}; results are read as {VERSION} writes them"
        )


def _is_complete(folder: Path) -> bool:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp == {"opencompass": VERSION, "pins": _pins()}) and python_of(folder).exists()


def _pins() -> str:
    return sha256(REQUIREMENTS.read_bytes() + CONSTRAINTS.read_bytes()).hexdigest()[:16]


def _build(folder: Path, say: Say) -> None:
    if not python_of(folder).exists():
        base = base_python()
        say(f"making a Python environment in {folder} (with {base})")
        venv = [base, "-m", "venv", "--clear", str(folder)]
        _run(venv, "python -m venv (Debian: apt install python3-venv)", say)
    say("installing OpenCompass and what it needs: 2.2 GB, some minutes")
    pip = [str(python_of(folder)), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    _run([*pip, "-r", str(REQUIREMENTS), "-c", str(CONSTRAINTS)], "pip install", say)


def base_python() -> str:
    """A Python of a version that OpenCompass' pins allow.

    For root the system's comes first: programs under test run as an unprivileged user, who can read it.
    """
    for candidate in _candidates():
        if _version_of(candidate) in PYTHONS:
            return candidate
    wanted = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    raise InputError(f"OpenCompass {VERSION} needs Python {wanted}; none of them is on the PATH")


def _candidates() -> Iterator[str]:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield "/usr/bin/python3"
    yield str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    for major, minor in reversed(PYTHONS):
        if found := shutil.which(f"python{major}.{minor}"):
            yield found


def _version_of(python: str) -> tuple[int, int] | None:
    """None where it does not run or cannot make environments."""
    code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _run(command: list[str], name: str, say: Say) -> None:
    """Runs it to its end, saying now and then where it is."""
    lines: list[str] = []
    told = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_clean()
    ) as process:
        for line in process.stdout or ():
            lines.append(line.strip())
            if line.startswith(STEPS) and time.monotonic() - told >= SAY_EVERY_SECONDS:
                told = time.monotonic()
                say(f"  {line.strip()[:100]}")
    if process.returncode:
        wanted = [line for line in lines if line.upper().startswith("ERROR")] or lines[-1:]
        raise GeniusBenchError(f"{name} failed: {' '.join(wanted)[:600]}")


def _clean() -> dict[str, str]:
    """The caller's environment, without what would lead the new Python to other packages."""
    return {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
