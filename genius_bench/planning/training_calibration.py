"""A few real optimiser steps on rows of the recipe, under its own launcher, stopped before anything is saved."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from io import StringIO
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from genius_bench.artifacts import Identity, Store
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError
from genius_bench.planning.calibration import SECONDS, Numbers, measuring
from genius_bench.planning.survey import examples_of
from genius_bench.progress import Advance
from genius_bench.recipe import TrainingSection
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
    from genius_bench.training.stage import optimise

    objective, training = resolved.settings_of(1)
    launch = resolved.recipe.launch.model_copy(update={"machines": []})
    training = _micro_steps(training, launch.processes)
    copies = _copies(rows, training.batch_size * (STEPS + UNREACHED))
    tokens = [example.tokens for example in examples_of(copies, resolved, base, 1)]
    with TemporaryDirectory() as folder, measuring() as peak:
        store = Store(Path(folder))
        identity = Identity(kind="training-set", version=0, parameters={})
        training_set = store.make(identity, lambda build: build.write_shard(copies))
        watch, started = Watch(), time.monotonic()
        # What is told of progress is shown through this name; what else is said is for those who train.
        shown = mock.patch("genius_bench.training.messages.progress", watch.show)
        with suppress(EnoughSeen), shown, redirect_stderr(StringIO()):
            optimise(
                store,
                policy_path=base.path,
                policy_fingerprint=base.fingerprint,
                training_set=training_set,
                objective=objective,
                training=training,
                seed=0,
                launch=launch,
            )
        step = training.batch_size * sum(tokens) / len(tokens)
        return {
            "tokens_per_second": step / watch.seconds_per_step() / launch.processes,
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
        "eval_every": None,
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


def _copies(rows: list[dict[str, Any]], wanted: int) -> list[dict[str, Any]]:
    """`rows` over and over, with names of their own and made-up reference values where they have none."""
    return [
        row | {"id": f"{number}"} | {name: row[name] or 0.0 for name in row if name.startswith("reference_")}
        for number, row in enumerate(islice(cycle(rows), wanted))
    ]
