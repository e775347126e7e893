"""Third parties' packages as pip installs them, in a folder of their own, and code that runs beside them."""

import os
import subprocess
import sys
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]


def install(sources: list[Path], site: Path) -> None:
    command = [*PIP, "--disable-pip-version-check", "--target", str(site), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def with_plugins(site: Path, *code: str) -> str:
    """What the code says; a command line of genius-bench's where there is more than one word."""
    words = ["-c", *code] if len(code) == 1 else ["-m", "genius_bench", *code]
    done = subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=1200,
        cwd=site,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
