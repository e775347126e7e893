"""What a home keeps beside a run's record: its log, a short path to its checkpoints, and whether somebody is at it.

<home>/logs/runs/<id>.log       all that its commands said, each line with its time
<home>/checkpoints/<id>         a link to its last checkpoint; <id>-1, <id>-2, … to those of earlier rounds
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from genius_bench.printing import keep_log, log
from genius_bench.runs import Run
from genius_bench.storage import locked

RUNNING, INTERRUPTED, FINISHED = "running", "interrupted", "finished"


def log_of(home: Path, name: str) -> Path:
    return home / "logs" / "runs" / f"{name}.log"


@contextmanager
def going_on(home: Path, name: str) -> Iterator[None]:
    """While a run is made: all that is noted goes to its log as well, and whoever starts the same run waits."""
    with locked(home, f"making-{name}", f"another process is at run {name}; waiting for it"):
        path = log_of(home, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        keep_log(path)
        try:
            yield
        except BaseException as error:
            log(f"ended by {type(error).__name__}: {error}")
            raise
        finally:
            keep_log(None)


def state_of(home: Path, run: Run | str) -> str:
    """Of a run, or of the id of one that has left a log alone."""
    name = run if isinstance(run, str) else run.id
    lock = home / "locks" / f"making-{name}.lock"
    try:
        if lock.exists():
            with FileLock(lock, timeout=0):
                pass
    except Timeout:
        return RUNNING
    except OSError:  # a home that can only be read, where nobody makes anything
        pass
    return INTERRUPTED if isinstance(run, str) else FINISHED


def unfinished(home: Path, runs: list[Run]) -> list[str]:
    """Ids of runs that were begun and have no record yet."""
    known = {run.id for run in runs}
    return sorted(path.stem for path in (home / "logs" / "runs").glob("*.log") if path.stem not in known)


def short_path(home: Path, run: Run, iteration: int) -> Path:
    """Where the checkpoint of an iteration (1, 2, …) is found without its 64 digits."""
    last = iteration == len(run.checkpoints)
    return home / "checkpoints" / (run.id if last else f"{run.id}-{iteration}")


def link_checkpoints(home: Path, run: Run) -> None:
    """Makes the short paths, relative ones: a home may be moved."""
    for iteration, checkpoint in enumerate(run.checkpoints, start=1):
        link = short_path(home, run, iteration)
        link.parent.mkdir(parents=True, exist_ok=True)
        target = Path("..", "artifacts", "checkpoint", checkpoint["key"], "model")
        new = link.with_name(f"{link.name}.{secrets.token_hex(4)}.tmp")
        new.symlink_to(target)
        os.replace(new, link)


def forget(home: Path, name: str) -> None:
    """Removes a run's record, log and links; its artifacts stay until nothing refers to them any more."""
    links = [home / "checkpoints" / name, *(home / "checkpoints").glob(f"{name}-[0-9]*")]
    for path in (home / "runs" / f"{name}.json", log_of(home, name), *links):
        path.unlink(missing_ok=True)
