"""All that a training process needs to know, as a value and as a file."""

import json
from dataclasses import dataclass
from pathlib import Path

from genius_bench.artifacts import Artifact
from genius_bench.objectives.interface import Objective, build_objective
from genius_bench.recipe import TrainingSection
from genius_bench.training.examples import Examples, read_examples

JOB_FILE = "job.json"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training. The objective travels by name, so that plug-ins work in every process."""

    policy: Path
    rows: Path
    """The training set's artifact."""
    objective: Objective
    training: TrainingSection
    precision: str
    seed: int
    sharding: str
    folder: Path
    """The artifact in the making; states lie in `folder / "states"`."""
    state: Path | None
    """What to continue from. Decided once: processes on several machines must not look for themselves."""

    @property
    def states(self) -> Path:
        return self.folder / "states"

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

    def write(self, folder: Path) -> None:
        values = {
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


def read_job(folder: Path) -> Job:
    values = json.loads((folder / JOB_FILE).read_text())
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
