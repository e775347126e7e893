"""All that a plan looks at, in a process of its own: sizes of models, queries, items, and artifacts that are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.loading import ModelFiles
from genius_bench.evaluation.cards import tasks_of
from genius_bench.evaluation.controls import without_controls
from genius_bench.planning.shape import ModelShape, Sizes, shape_of, sizes_of
from genius_bench.planning.survey import TrainingSeen, base_files, survey_training
from genius_bench.planning.survey_scores import ModelSeen, survey_scores
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.resolution import Resolved

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One recipe. `scores` are those of the base and of each round's checkpoint, where it is scored."""

    sizes: Sizes
    base: ModelFiles
    served_base: str
    """The name of its pool of responses."""
    training: TrainingSeen
    scores: list[ModelSeen]
    on_the_way: list[ModelSeen]


def look(home: Path, recipes: Sequence[Resolved], *, evaluate: bool, offline: bool) -> list[Looked]:
    """With `offline` nothing but configurations is fetched, and numbers are assumed for what is not here."""
    sizes = [sizes_of(one.recipe.model, one.recipe.training.lora) for one in recipes]
    bases = [
        base_files(resolved.recipe.model, weights=not offline or one.shape.weights_here)
        for resolved, one in zip(recipes, sizes, strict=True)
    ]
    return [
        _look(home, resolved, one, base, evaluate, offline)
        for resolved, one, base in zip(recipes, sizes, bases, strict=True)
    ]


def look_at_scores(
    home: Path,
    model: "str | ModelFiles | Endpoint",
    tasks: Sequence[str],
    settings: EvaluationSection,
    engine: EngineSection,
    *,
    offline: bool,
) -> "tuple[ModelShape | None, ModelFiles | Endpoint, ModelSeen]":
    """For a model that is only scored: a name, or an endpoint, which has no shape."""
    shape: ModelShape | None = None
    files: ModelFiles | Endpoint
    if isinstance(model, str):
        shape = shape_of(model)
        files = base_files(model, weights=not offline or shape.weights_here)
    else:
        files = model
    [seen] = survey_scores(home, [files], tasks, settings, engine, offline=offline)
    return shape, files, seen


def _look(
    home: Path, resolved: Resolved, sizes: Sizes, base: ModelFiles, evaluate: bool, offline: bool
) -> Looked:
    recipe = resolved.recipe
    training = survey_training(home, resolved, base, offline=offline)
    tasks = tasks_of(recipe.evaluation, recipe.model)[0] if evaluate else []
    survey = partial(survey_scores, home, tasks=tasks, engine=recipe.engine.for_files, offline=offline)
    alone = without_controls(recipe.evaluation)  # on the way, only the board's own settings are asked
    return Looked(
        sizes=sizes,
        base=base,
        served_base=served_fingerprint(base, recipe.engine),
        training=training,
        scores=survey(training.policies, settings=recipe.evaluation) if tasks else [],
        on_the_way=survey(training.on_the_way, settings=alone) if tasks and training.on_the_way else [],
    )
