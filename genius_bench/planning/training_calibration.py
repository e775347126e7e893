"""A few real optimiser steps on rows of the recipe, under its own launcher, stopped before anything is saved."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError
from genius_bench.objectives.interface import Objective
from genius_bench.planning.calibration import SECONDS, Numbers, ended_by_force, peak_memory
from genius_bench.progress import Advance
from genius_bench.recipe import LaunchSection, TrainingSection
from genius_bench.resolution import Resolved

STEPS = 4
"""Of one micro batch per process each; the first one warms up and is not timed."""
UNREACHED = 4
"""More steps for which there are rows, so that the last one, which would be saved, is never done."""


class EnoughSeen(Exception):
    """Raised out of a training to end it."""


def calibrate_training(resolved: Resolved, base: ModelFiles, rows: list[dict[str, Any]]) -> Numbers:
    """Tokens that are trained a second and process, and what memory that takes. For a process of its own.

    Raises `GeniusBenchError` when not two steps were done in time.
    """
    objective, training = resolved.settings_of(1)
    launch = resolved.recipe.launch.model_copy(update={"machines": []})
    training = _micro_steps(training, launch.processes)
    with TemporaryDirectory() as folder, ended_by_force(), peak_memory() as peak:
        store = Store(Path(folder))
        training_set = _training_set(store, rows, training.batch_size * (STEPS + UNREACHED))
        watch, started = Watch(), time.monotonic()
        sizes = _train(Path(folder), training_set, base, objective, training, launch, watch)
        tokens = training.batch_size * sum(sizes) / len(sizes)
        return {
            "tokens_per_second": tokens / watch.seconds_per_step() / launch.processes,
            "opening_seconds": watch.begun - started,
            "peak_bytes": peak() if launch.launcher == "none" else None,
        }


def _micro_steps(training: TrainingSection, processes: int) -> TrainingSection:
    """One micro batch per process makes a step: steps are then as short as may be."""
    micro = min(training.micro_batch_size, max(1, training.batch_size // processes))
    changes = {
        "batch_size": micro * processes,
        "micro_batch_size": micro,
        "epochs": 1,
        "reference": "recorded",
        "report_to": "none",
        "checkpoint_every": 10**9,
    }
    return TrainingSection.model_validate(training.model_dump() | changes)


@dataclass
class Watch:
    """When the first step began, and when each ended."""

    begun: float = 0.0
    moments: list[float] = field(default_factory=list)

    @contextmanager
    def show(self, description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
        """Stands where progress is shown otherwise."""
        self.begun, self.moments = time.monotonic(), []
        yield self._step if unit == "steps" else lambda count: None

    def _step(self, count: int) -> None:
        self.moments.append(time.monotonic())
        too_long = self.moments[-1] - self.begun > SECONDS
        if len(self.moments) >= STEPS or (len(self.moments) > 1 and too_long):
            raise EnoughSeen

    def seconds_per_step(self) -> float:
        if len(self.moments) < 2:
            raise GeniusBenchError(f"not two optimiser steps were done within {SECONDS:.0f} s")
        return (self.moments[-1] - self.moments[0]) / (len(self.moments) - 1)


def _train(
    folder: Path,
    training_set: Artifact,
    base: ModelFiles,
    objective: Objective,
    training: TrainingSection,
    launch: LaunchSection,
    watch: Watch,
) -> list[int]:
    """Trains until `watch` has seen enough; returns the tokens of the rows."""
    from genius_bench.training.callbacks import quiet
    from genius_bench.training.conditions import check_launch
    from genius_bench.training.job import Job
    from genius_bench.training.launching import launch as launch_processes
    from genius_bench.training.messages import Voice
    from genius_bench.training.policy import compute_precision
    from genius_bench.training.process import train

    job = Job(
        policy=base.path,
        rows=training_set.path,
        objective=objective,
        training=training,
        precision=compute_precision(training),
        seed=0,
        sharding=launch.sharding,
        folder=folder / "trial",
        state=None,
    )
    examples = job.examples().kept
    check_launch(launch, training, folder)
    build = Build(job.folder)
    with suppress(EnoughSeen), quiet():
        if launch.launcher == "none":
            train(job, examples, build, Voice(watch.show, _say_nothing))
        else:  # what its processes tell of their progress is shown through this name
            with mock.patch("genius_bench.training.messages.progress", watch.show):
                launch_processes(job, launch)
    return [example.tokens for example in examples]


def _say_nothing(line: str) -> None:
    """What a training says of itself is for those who train."""


def _training_set(store: Store, rows: list[dict[str, Any]], wanted: int) -> Artifact:
    """`rows` over and over, with names of their own and made-up reference values where they have none."""
    copies = [
        row | {"id": f"{number}"} | {name: row[name] or 0.0 for name in row if name.startswith("reference_")}
        for number, row in enumerate(islice(cycle(rows), wanted))
    ]
    identity = Identity(kind="training-set", version=0, parameters={})
    return store.make(identity, lambda build: build.write_shard(copies))
