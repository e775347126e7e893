"""The home of a process: where artifacts, runs and fetched models are kept."""

import os
from pathlib import Path

VARIABLE = "GENIUS_BENCH_HOME"


def home() -> Path:
    """The folder that `--home` or GENIUS_BENCH_HOME names; without either `~/.genius-bench`."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".genius-bench")


def choose(folder: Path) -> Path:
    """Makes `folder` the home of this process and of those that it starts: they inherit the environment."""
    os.environ[VARIABLE] = str(folder.expanduser().absolute())
    return folder
