"""Scores by OpenCompass: in its own environment, over a server that answers for the checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.artifacts import Artifact, Store
from genius_bench.recipe import EngineSection, EvaluationSection

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint
    from genius_bench.engines.loading import ModelFiles

__all__ = ["evaluate", "why_not"]


def evaluate(
    store: Store,
    *,
    tasks: list[str],
    model: "ModelFiles | Endpoint",
    engine: EngineSection,
    settings: EvaluationSection,
    home: Path,
) -> list[Artifact]:
    """Scores a checkpoint on `tasks` through OpenCompass: one scores artifact a task, in their order.

    Scores that exist are found again without starting anything. Raises `InputError` where OpenCompass is not
    installed or cannot do one of the tasks here, before anything is asked.
    """
    from genius_bench.opencompass import stage

    return stage.evaluate(store, tasks=tasks, model=model, engine=engine, settings=settings, home=home)


def why_not(task: str, *, unsafe_code: bool = False) -> str | None:
    """None when OpenCompass can score the task on this machine, else the reason."""
    from genius_bench.opencompass import stage

    return stage.why_not(task, unsafe_code=unsafe_code)
