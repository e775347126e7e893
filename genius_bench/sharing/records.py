"""What a run from elsewhere must look like before anything is made of it: every key, type and reference."""

import math
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from genius_bench.artifacts import Artifact
from genius_bench.errors import InputError
from genius_bench.evaluation.generations import ITEMS_FILE
from genius_bench.layers import validate
from genius_bench.recipe import EvaluationSection, Recipe

DEEPEST = 32
"""Values within values: ours have six, and whatever copies or prints a value calls itself once for each."""

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Count = NonNegativeInt | NonNegativeFloat
Name = Annotated[str, Field(min_length=1, max_length=4096)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Checkpoint(_Record):
    iteration: Number
    training_set: Key | None = None
    key: Key
    fingerprint: Key
    path: str = ""


class _OnTheWay(_Record):
    iteration: Number
    step: Number
    key: Key
    folder: Annotated[str, Field(pattern=r"^steps/[0-9]{1,9}/model$")]
    fingerprint: Key
    path: str = ""


class _Evaluation(_Record):
    model: Name
    fingerprint: Key
    settings: dict[str, Any]
    scores: Annotated[dict[Name, Key], Field(min_length=1)]
    control: bool = False


class _Corpus(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    name: str = ""
    fingerprint: Key | None = None
    queries: NonNegativeInt | None = None
    skipped: dict[str, int] = {}
    origin: dict[str, Any] = {}
    overlap: dict[str, dict[str, int]] = {}


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Named(_Part):
    name: Name


class _Lora(_Part):
    rank: int


class _Training(_Part):
    lora: _Lora


class _Suite(_Part):
    protocol: Name
    suite: Any


class _Recipe(_Part):
    """What boards and cards read of it; whether it is a recipe, recipes know themselves."""

    method: Name
    variant: Name
    model: Name
    seed: int
    corpus: _Named
    sampling: dict[str, Any]
    objective: _Named
    training: _Training
    evaluation: _Suite


class _Run(_Record):
    id: Annotated[str, Field(pattern=r"^[\w+-][\w.+-]*$", max_length=200)]
    recipe: _Recipe | None
    base: str
    base_fingerprint: Key | Annotated[str, Field(max_length=0)]
    corpus: _Corpus
    checkpoints: list[_Checkpoint]
    on_the_way: list[_OnTheWay] = []
    evaluations: list[_Evaluation]
    finished_at: Time

    @model_validator(mode="after")
    def _agrees(self) -> "_Run":
        if self.checkpoints and (self.recipe is None or not self.base or not self.base_fingerprint):
            raise ValueError("it has checkpoints, but no recipe or no base that they were made from")
        if [one.iteration for one in self.checkpoints] != [str(n + 1) for n in range(len(self.checkpoints))]:
            raise ValueError("its checkpoints are not those of iteration 1, 2, …")
        made = {(one.iteration, one.key) for one in self.checkpoints}
        if not {(one.iteration, one.key) for one in self.on_the_way} <= made:
            raise ValueError("a checkpoint on the way belongs to none of its checkpoints")
        if any("whole" not in counts for counts in self.corpus.overlap.values()):
            raise ValueError("its overlap with a task has no count")
        return self


class ListedFile(_Record):
    bytes: NonNegativeInt
    sha256: Key


class _Manifest(_Part):
    parameters: dict[str, Any]
    inputs: dict[str, str]
    counters: dict[str, Count]
    environment: dict[str, Any]
    finished_at: Time
    files: dict[str, ListedFile] | None = None


class _Trained(_Part):
    __pydantic_extra__: dict[str, Count]
    steps: Annotated[int, Field(ge=0, lt=10**9)]


class _CheckpointManifest(_Manifest):
    counters: _Trained  # type: ignore[assignment]


class _Graded(_Part):
    task: Name


class _ScoresManifest(_Manifest):
    parameters: _Graded  # type: ignore[assignment]


class _AskedFor(_Part):
    task: Name
    task_version: PositiveInt
    protocol: Name
    samples: NonNegativeInt
    temperature: NonNegativeFloat
    max_tokens: PositiveInt
    limit: PositiveInt | None


class _GenerationsManifest(_Manifest):
    parameters: _AskedFor  # type: ignore[assignment]


class _Item(_Part):
    id: str
    question: str
    gold: str


class _Items(_Part):
    expected_items: int | None
    dataset: Name
    shots: NonNegativeInt
    items: list[_Item]
    tests: Key | None = None


MANIFESTS: dict[str, type[BaseModel]] = {
    "checkpoint": _CheckpointManifest,
    "scores": _ScoresManifest,
    "generations": _GenerationsManifest,
}
"""Of kinds of which boards or `regrade` read more than of others."""


def check_run(values: dict[str, Any]) -> None:
    """Raises `InputError` that says what of a run's record is not as it must be."""
    _validated(_Run, values)
    if values["recipe"] is not None:
        validate(Recipe, values["recipe"], "recipe")
    for evaluation in values["evaluations"]:
        for name in ("protocol", "temperature", "samples", "limit"):
            if name not in evaluation["settings"]:
                raise InputError(f"settings.{name} is missing")
        validate(EvaluationSection, evaluation["settings"], "settings")


def check_manifest(artifact: Artifact) -> None:
    """Raises `InputError` that says what of a manifest, or of the items of stored answers, is not as it must be."""
    try:
        _validated(MANIFESTS.get(artifact.kind, _Manifest), artifact.manifest)
        if artifact.kind == "generations":
            _validated(_Items, artifact.json(ITEMS_FILE))
    except InputError as error:
        raise InputError(f"{artifact.kind} {artifact.key[:12]}: {error}") from error


def _check_plain(value: Any, left: int = DEEPEST) -> None:
    """Values that every JSON parser and every file can hold: half of a surrogate pair, or no number, is none."""
    if left == 0:
        raise InputError("a record is nested too deeply")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{value!a:.80} is no text: half of a surrogate pair") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"it holds {value}, which is no finite number")
    for one in (
        [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        _check_plain(one, left - 1)


def _validated(model: type[BaseModel], values: Any) -> None:
    _check_plain(values)
    try:
        model.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "it"
        raise InputError(f"{place}: {problem['msg']}") from error
