"""An online training as a value, and as a file that says it to the processes of a launcher."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genius_bench import registry
from genius_bench.artifacts import Build
from genius_bench.engines.loading import ModelFiles
from genius_bench.objectives.interface import build_objective
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.conditions import queries_a_step
from genius_bench.online_method import OnlineMethod
from genius_bench.recipe import EngineSection, TrainingSection
from genius_bench.rows import Query
from genius_bench.seeds import seed_of
from genius_bench.training.batches import BatchPlan
from genius_bench.training.job import JOB_FILE, Launched
from genius_bench.training.messages import Voice


@dataclass(frozen=True, kw_only=True)
class OnlineJob(Launched):
    """One training on what the policy says at every step."""

    method: OnlineMethod
    queries: list[Query]
    """As the method may see them."""
    rephrased: dict[str, Query]
    """Id → the query in other words, for methods that ask it twice."""
    policy: ModelFiles
    objective: TokenObjective
    engine: EngineSection

    @property
    def plan(self) -> BatchPlan:
        """Which queries a step asks: a new order every epoch."""
        return BatchPlan(
            rows=len(self.queries),
            batch_size=queries_a_step(self.training, self.method),
            micro_batch_size=self.training.micro_batch_size,
            processes=1,
            seed=seed_of("online", self.seed) % 2**32,
        )

    @property
    def steps(self) -> int:
        return self.plan.steps_per_epoch * self.training.epochs

    def run(self, build: Build, voice: Voice, *, processes: int = 1, process: int = 0) -> None:
        """What each process does; see `online.process`."""
        from genius_bench.online.process import learn

        learn(self, build, voice, processes=processes, process=process)

    def write(self, folder: Path) -> None:
        values = {
            "module": __name__,
            "method": {"name": self.method.name, "options": self.method.options.model_dump()},
            "queries": [asdict(query) for query in self.queries],
            "rephrased": {name: asdict(query) for name, query in self.rephrased.items()},
            "policy": asdict(self.policy) | {"path": str(self.policy.path.absolute())},
            "objective": {"name": self.objective.name, **self.objective.model_dump()},
            "training": self.training.model_dump(),
            "engine": self.engine.model_dump(),
            "precision": self.precision,
            "seed": self.seed,
            "folder": str(self.folder.absolute()),
            "state": str(self.state.absolute()) if self.state else None,
        }
        (folder / JOB_FILE).write_text(json.dumps(values, indent=2))


def read_job(values: dict[str, Any]) -> OnlineJob:
    """Of what `OnlineJob.write` has written."""
    method = registry.load("methods", values["method"]["name"])
    return OnlineJob(
        method=method(method.Options(**values["method"]["options"])),
        queries=[_query(one) for one in values["queries"]],
        rephrased={name: _query(one) for name, one in values["rephrased"].items()},
        policy=ModelFiles(**{**values["policy"], "path": Path(values["policy"]["path"])}),
        objective=build_objective(values["objective"], method.objectives),
        training=TrainingSection.model_validate(values["training"]),
        engine=EngineSection.model_validate(values["engine"]),
        precision=values["precision"],
        seed=values["seed"],
        folder=Path(values["folder"]),
        state=Path(values["state"]) if values["state"] else None,
    )


def _query(values: dict[str, Any]) -> Query:
    return Query(**values | {"messages": tuple(values["messages"])})
