"""What a run from elsewhere must look like before anything is made of it: every key, type and reference."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from genius_bench.artifacts import Artifact
from genius_bench.errors import InputError
from genius_bench.recipe import Recipe, validate

NEEDED = {"checkpoint": [("counters", "steps")], "scores": [("parameters", "task")]}
"""What boards read of every manifest of a kind."""
DEEPEST = 32
"""Values within values: ours have six, and whatever copies or prints a value calls itself once for each."""

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Name = Annotated[str, Field(min_length=1, max_length=4096)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Checkpoint(_Record):
    iteration: Number
    training_set: Key
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


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    parameters: dict[str, Any]
    inputs: dict[str, str]
    counters: dict[str, Annotated[float, Field(allow_inf_nan=False)]]
    environment: dict[str, Any]
    finished_at: Time


def check_run(values: dict[str, Any]) -> None:
    """Raises `InputError` that says what of a run's record is not as it must be."""
    _validated(_Run, values)
    if values["recipe"] is not None:
        validate(Recipe, values["recipe"], "recipe")


def check_manifest(artifact: Artifact) -> None:
    """Raises `InputError` that says what of a manifest is not as it must be."""
    _validated(_Manifest, artifact.manifest)
    for section, name in NEEDED.get(artifact.kind, []):
        if name not in artifact.manifest[section]:
            raise InputError(f"the manifest of {artifact.kind} {artifact.key[:12]} has no {section}.{name}")


def _is_deep(value: Any, left: int = DEEPEST) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left == 0 or any(_is_deep(one, left - 1) for one in inner)


def _validated(model: type[BaseModel], values: dict[str, Any]) -> None:
    if _is_deep(values):
        raise InputError("a record is nested too deeply")
    try:
        model.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "it"
        raise InputError(f"{place}: {problem['msg']}") from error
