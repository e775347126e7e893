"""What may differ from iteration to iteration: the objective, the reference, where training begins."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from genius_bench import pipeline
from genius_bench.corpora import Corpus
from genius_bench.engines.loading import ModelFiles
from genius_bench.layers import Layer
from genius_bench.objectives.interface import build_objective
from genius_bench.resolution import Resolved, resolve
from trainers.scpo import ScPO


class TwoPhases(ScPO):
    """Odd iterations imitate and begin at the base model; even ones prefer, with recomputed references."""

    @property
    def iterations(self) -> int:
        return 4

    def restarts_from_base(self, iteration: int) -> bool:
        return iteration % 2 == 1

    def settings_of(self, iteration: int) -> Layer:
        if iteration % 2:
            return {"objective": {"name": "sft"}}
        return {"training": {"reference": "recompute"}}

    def factors_of(self, iteration: int) -> Layer:
        return {"objective": {"beta": 3.0}, "training": {"learning_rate": 2.0 if iteration % 2 else 1.0}}


def two_phases(**objective: Any) -> Resolved:
    resolved = resolve({"method": "scpo", "model": "other", "objective": objective})
    return replace(resolved, method=TwoPhases(resolved.method.options))


def settings(resolved: Resolved) -> list[tuple[dict[str, Any], str, float]]:
    return [
        ({"name": objective.name, **objective.model_dump()}, training.reference, training.learning_rate)
        for objective, training in map(resolved.settings_of, range(1, 5))
    ]


def test_objective_and_reference_may_differ_by_iteration() -> None:
    """The parameters that were asked for belong to the recipe's objective, and mean nothing to the other."""
    [imitation, preference, *again] = settings(two_phases(beta=0.2, alpha=0.0))
    assert imitation == ({"name": "sft"}, "recorded", 1e-6)
    assert preference == ({"name": "scpo", "beta": pytest.approx(0.6), "alpha": 0.0}, "recompute", 5e-7)
    assert again == [imitation, preference]


def test_another_objective_takes_the_place_of_the_recipes_alone() -> None:
    [imitation, preference, *_] = settings(two_phases(name="ipo", tau=0.3))
    assert imitation[0] == {"name": "sft"}
    assert preference[0] == {"name": "ipo", **build_objective({"name": "ipo", "tau": 0.3}).model_dump()}
    asked = settings(two_phases(name="sft"))
    assert [objective for objective, *_ in asked] == [{"name": "sft"}] * 4


@dataclass
class Made:
    """Stands for an artifact."""

    path: Path
    key: str = "key"
    manifest: Any = None


def test_the_pipeline_restarts_where_the_method_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Iteration by iteration: who samples, who is trained, and on top of how many earlier training sets."""
    seen: list[tuple[str, str, int]] = []
    sampled: list[tuple[str, int]] = []

    def model(name: str) -> ModelFiles:
        return ModelFiles(name, Path(name), Path(name).parent.name)

    def collect(
        home: Path, resolved: Resolved, corpus: Corpus, policy: ModelFiles, earlier: list[Any]
    ) -> Made:
        sampled.append((policy.fingerprint, len(earlier)))
        return Made(tmp_path / "rows")

    def optimise(home: Path, resolved: Resolved, rows: Made, start: ModelFiles, iteration: int) -> Made:
        [(sampler, earlier)] = sampled[iteration - 1 :]
        seen.append((sampler, start.fingerprint, earlier))
        return Made(tmp_path / f"checkpoint {iteration}", manifest={"counters": {"steps": 1}})

    corpus = Corpus(name="test", queries=[])
    monkeypatch.setattr(pipeline, "resolve_model", model)
    monkeypatch.setattr(pipeline, "refuse_training", lambda *_: None)
    monkeypatch.setattr(pipeline, "rows_and_left_out", lambda _: "")
    for name in ("write_run", "write_cards"):
        monkeypatch.setattr(pipeline, name, lambda *_: None)
    for name, stage in {
        "check_recipe": lambda *_: None,
        "read_corpus": lambda *_: corpus,
        "collect": collect,
        "optimise": optimise,
    }.items():
        monkeypatch.setattr(pipeline.stages, name, stage)
    monkeypatch.setattr("genius_bench.training.stage.checkpoints_on_the_way", lambda _: {})

    resolved = two_phases()
    resolved = replace(resolved, recipe=resolved.recipe.model_copy(update={"model": "base/model"}))
    pipeline.train(tmp_path, resolved, evaluate=False)
    assert seen == [
        ("base", "base", 0),
        ("checkpoint 1", "checkpoint 1", 1),
        ("checkpoint 2", "base", 2),
        ("checkpoint 3", "checkpoint 3", 3),
    ]
