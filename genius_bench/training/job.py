"""All that a training process needs to know, as a value and as a file."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Build
from genius_bench.objectives.interface import Objective, build_objective
from genius_bench.recipe import TrainingSection
from genius_bench.training.examples import Examples, read_examples
from genius_bench.training.messages import Voice

JOB_FILE = "job.json"
"""Names the `module` whose `read_job` reads it."""


@dataclass(frozen=True, kw_only=True)
class Launched(ABC):
    """A training that processes read from a file. Plug-ins travel by name, so that they work in every process."""

    training: TrainingSection
    precision: str
    seed: int
    folder: Path
    """The artifact in the making; states lie in `folder / "states"`."""
    state: Path | None
    """What to continue from. Decided once: processes on several machines must not look for themselves."""

    @property
    def states(self) -> Path:
        return self.folder / "states"

    @abstractmethod
    def run(self, build: Build, voice: Voice, *, processes: int = 1, process: int = 0) -> None:
        """What each process does."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """As `JOB_FILE`, for the `read_job` of the module that it names."""


@dataclass(frozen=True, kw_only=True)
class Job(Launched):
    """One training on rows that are there."""

    policy: Path
    rows: Path
    """The training set's artifact."""
    objective: Objective
    sharding: str

    @property
    def recomputes(self) -> bool:
        """Whether reference log-probabilities are computed before the first step."""
        return self.objective.needs_reference and self.training.reference == "recompute"

    def examples(self) -> Examples:
        from genius_bench.training.policy import vocabulary_of

        return read_examples(
            Artifact("training-set", self.rows.name, self.rows).rows(),
            self.objective,
            max_length=self.training.max_length,
            vocabulary=vocabulary_of(self.policy),
        )

    def run(self, build: Build, voice: Voice, *, processes: int = 1, process: int = 0) -> None:
        """What each process of a launcher does; see `process.train`."""
        from genius_bench.training.process import train

        train(self, self.examples().kept, build, voice, processes=processes, process=process)

    def write(self, folder: Path) -> None:
        values = {
            "module": __name__,
            "policy": str(self.policy.absolute()),
            "rows": str(self.rows.absolute()),
            "objective": {"name": self.objective.name, **self.objective.model_dump()},
            "training": self.training.model_dump(),
            "precision": self.precision,
            "seed": self.seed,
            "sharding": self.sharding,
            "folder": str(self.folder.absolute()),
            "state": str(self.state.absolute()) if self.state else None,
        }
        (folder / JOB_FILE).write_text(json.dumps(values, indent=2))


def read_job(values: dict[str, Any]) -> Job:
    """Of what `Job.write` has written."""
    return Job(
        policy=Path(values["policy"]),
        rows=Path(values["rows"]),
        objective=build_objective(values["objective"]),
        training=TrainingSection.model_validate(values["training"]),
        precision=values["precision"],
        seed=values["seed"],
        sharding=values["sharding"],
        folder=Path(values["folder"]),
        state=Path(values["state"]) if values["state"] else None,
    )
