"""Runs: small files that name a recipe and the artifacts that came out of it. Boards are made from them."""

import glob
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Store
from genius_bench.errors import InputError, nearest
from genius_bench.integrity import digest_of, seal, unsealed
from genius_bench.storage import locked, publish_file, read_json


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one model scored under one set of settings: task → key of its `scores` artifact."""

    model: str
    fingerprint: str
    settings: dict[str, Any]
    scores: dict[str, str]
    control: bool = False
    """Whether it was made for comparison only: at another temperature, or to choose one. Such have no board of their
    own."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """`recipe` is None for an evaluation by itself. `checkpoints` are in the order of iterations; those of an online
    method name no `training_set`: what was trained on lies in the checkpoint's own artifact."""

    id: str
    recipe: dict[str, Any] | None = None
    base: str = ""
    base_fingerprint: str = ""
    corpus: dict[str, Any] = field(default_factory=dict)
    """Where the queries came from, which columns were read, how many were used and skipped and why."""
    checkpoints: list[dict[str, str]] = field(default_factory=list)
    on_the_way: list[dict[str, str]] = field(default_factory=list)
    """Checkpoints between two of these (`train --eval-every`), with their optimiser `step` from the base on, each in a
    `folder` of the artifact `key`."""
    evaluations: list[Evaluation] = field(default_factory=list)
    finished_at: str = ""

    @property
    def is_online(self) -> bool:
        """Whether it was trained on what the policy said at every step, and so has rollouts."""
        return any("training_set" not in one for one in self.checkpoints)

    @property
    def on_boards(self) -> list[Evaluation]:
        """Its evaluations but for the controls."""
        return [one for one in self.evaluations if not one.control]


def write_run(home: Path, run: Run, *, finished_at: str = "") -> Path:
    """Records a run, as finished now or at another time; evaluations that an earlier record of it holds under other
    settings stay in it, whoever else is writing it now."""
    with changing(home, run.id) as path:
        return write_held(path, run, finished_at)


@contextmanager
def changing(home: Path, name: str) -> Iterator[Path]:
    """The file of a run, which nobody else writes meanwhile."""
    with locked(home, f"run-{name}"):
        yield home / "runs" / f"{name}.json"


def write_held(path: Path, run: Run, finished_at: str) -> Path:
    """`write_run` for who holds the run's file already (`changing`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f"{glob.escape(path.name)}.*.tmp"):  # of a writer that was killed
        leftover.unlink()
    if path.exists():
        new = {(one.fingerprint, digest_of(one.settings)) for one in run.evaluations}
        kept = [
            one for one in read_run(path).evaluations if (one.fingerprint, digest_of(one.settings)) not in new
        ]
        run = replace(run, evaluations=[*kept, *run.evaluations])
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    values = seal({**asdict(run), "finished_at": finished_at or now})
    text = json.dumps(values, indent=2, ensure_ascii=False)
    publish_file(path, lambda file: file.write(text.encode()))
    return path


Place = tuple[int, int | None]
"""Iteration, and the optimiser step within it; None at its end."""


def places_of(store: Store, run: Run) -> dict[Place, tuple[int, str]]:
    """Place → steps from the base on, and fingerprint, of all of a run's checkpoints whose artifacts are there."""
    found: dict[Place, tuple[int, str]] = {}
    done = 0
    for iteration, checkpoint in enumerate(run.checkpoints, start=1):
        for one in run.on_the_way:
            if int(one["iteration"]) == iteration:
                found[iteration, int(one["step"]) - done] = int(one["step"]), one["fingerprint"]
        artifact = store.find("checkpoint", checkpoint["key"])
        if artifact is None:  # nobody knows how many steps it took
            break
        done += int(artifact.manifest["counters"]["steps"])
        found[iteration, None] = done, checkpoint["fingerprint"]
    return found


def steps_of(store: Store, run: Run) -> dict[int, str]:
    """Optimiser steps from the base on → fingerprint, in their order."""
    return dict(places_of(store, run).values())


def read_runs(home: Path) -> list[Run]:
    """All runs of a home, oldest first."""
    runs = [read_run(path) for path in (home / "runs").glob("*.json")]
    return sorted(runs, key=lambda run: (run.finished_at, run.id))


def chosen_runs(home: Path, names: Sequence[str]) -> list[Run]:
    """The runs that names begin, each once."""
    runs = read_runs(home)
    if not runs:
        raise InputError(f"no runs in {home}: 'genius-bench train' or 'genius-bench eval' makes one")
    if not names:
        return runs
    found: dict[str, Run] = {}
    for name in names:
        fitting = [run for run in runs if run.id.startswith(name)]
        exact = [run for run in fitting if run.id == name]
        if len(exact or fitting) != 1:
            several = ", ".join(run.id for run in fitting)
            hint = f"it may be one of {several}" if fitting else nearest(name, [run.id for run in runs])
            raise InputError(f"run '{name}' is not one of {home}: {hint}")
        (run,) = exact or fitting
        found[run.id] = run
    return list(found.values())


def read_run(path: Path) -> Run:
    """One run. Raises `InputError` that names the file when it is damaged or no run."""
    values = unsealed(read_json(path), path, "remove it, then run again what made it")
    try:
        evaluations = [Evaluation(**evaluation) for evaluation in values.pop("evaluations")]
        run = Run(**values, evaluations=evaluations)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not a run of this version ({error}): move it away") from error
    if run.id != path.stem:
        raise InputError(
            f"{path} holds a run with the id {run.id!r}: give the file its name back, or remove it if it is a copy"
        )
    return run
