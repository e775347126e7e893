"""A few real updates of the online stage on rollouts of the recipe."""

import time
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

from genius_bench.engines.loading import ModelFiles, pick_device
from genius_bench.errors import GeniusBenchError
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.calibration import SECONDS, Numbers, measuring
from genius_bench.resolution import Resolved

UPDATES = 4
"""The first one warms up and is not timed."""


def calibrate_updates(resolved: Resolved, base: ModelFiles, rows: list[dict[str, Any]]) -> Numbers:
    """Tokens that are trained a second, the reference's reading among it, and what memory that takes.

    For a process of its own, and of one process. Raises `GeniusBenchError` when not two updates were done in time.
    """
    from genius_bench.online.learner import Learner
    from genius_bench.training.policy import compute_precision

    method, (objective, training) = resolved.method, resolved.settings_of(1)
    assert isinstance(method, OnlineMethod)
    begun = time.monotonic()
    with measuring() as peak, redirect_stderr(StringIO()):
        learner = Learner(
            base.path,
            objective,
            training,
            precision=compute_precision(training),
            device=pick_device(resolved.recipe.engine.device),
            steps=UPDATES,
            has_teacher=method.teacher_weight(0.0) is not None,
            held_by=method.reference,
        )
        opened, seconds = time.monotonic(), list[float]()
        while len(seconds) < UPDATES and (len(seconds) < 2 or time.monotonic() - opened < SECONDS):
            started = time.monotonic()
            learner.penalties(rows)  # where the reference is read for the reward
            line = learner.update(_rewarded(rows))
            seconds.append(time.monotonic() - started)
    if len(seconds) < 2:
        raise GeniusBenchError(f"not two updates were done within {SECONDS:.0f} s")
    return {
        "tokens_per_second": line["tokens_trained"] / (sum(seconds[1:]) / (len(seconds) - 1)),
        "opening_seconds": opened - begun,
        "peak_bytes": peak(),
    }


def _rewarded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whole rows with advantages, whatever they would have been: each is read and learnt from alike."""
    return [
        row | {"finish_reason": "eos", "advantage": 1.0 if number % 2 else -1.0}
        for number, row in enumerate(rows)
    ]
