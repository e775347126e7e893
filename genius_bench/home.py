"""The home of a process: where artifacts, runs and fetched models are kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "GENIUS_BENCH_HOME"


def home() -> Path:
    """The folder that `--home` or GENIUS_BENCH_HOME names; without either `~/.genius-bench`."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".genius-bench")


def choose(folder: Path) -> Path:
    """Makes `folder` the home of this process and of those that it starts: they inherit the environment."""
    os.environ[VARIABLE] = str(folder.expanduser().absolute())
    return folder


@contextmanager
def chosen_within() -> Iterator[None]:
    """What is chosen inside ends with the block: a caller of several commands keeps its own environment."""
    before = os.environ.get(VARIABLE)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
