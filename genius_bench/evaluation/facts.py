"""What the `metadata` of a task file may say: what lm-eval has no word for."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

GraderName = Literal[
    "math",
    "number",
    "option",
    "yes_no",
    "named",
    "format",
    "instructions",
    "code",
    "program",
    "comparison",
    "rating",
]
ReleasedName = Literal["math", "options", "options_to_e", "strategyqa", "none"]
JUDGED: tuple[GraderName, ...] = ("comparison", "rating")
"""Graders that are another model."""
FORM: tuple[GraderName, ...] = ("format", "instructions")
"""Graders of how an answer is written: there is no gold answer to read out of it, and nothing to vote on."""


class Baseline(BaseModel):
    """Whose answers a comparison holds the checkpoint's against: a split of its own beside the items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    split: str
    files: tuple[str, ...] = ()
    """In the hub repository; the split itself when there are none."""
    dataset: str | None = None
    """The hub repository, where it is another than the items'."""
    prepare: str | None = None
    key: str
    """The column that holds the item's own key (`Judging.key`)."""
    answer: str


class Judging(BaseModel):
    """What a judge is shown of an item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    """The column that names an item in the baseline's split."""
    baseline: Baseline | None = None
    """None for ratings."""
    checklist: str | None = None
    """The column with what a good answer has to do."""
    weighted: bool = False
    """Whether a rate in which a clear win counts three times is reported too."""
    length_controlled: bool = False
    """Whether a rate as if both answers were equally long is reported too."""


class Under(BaseModel):
    """What a task asks differently under one protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: dict[str, Any] = {}
    """Laid over the lm-eval configuration (a key given as null is taken out of it)."""
    examples: tuple[str, ...] | None = None
    samples: int | None = None


class TaskFacts(BaseModel):
    """The `metadata` of a task file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: PositiveInt
    """Raise it when the prompt or the items change: old numbers then keep their own column."""
    grader: GraderName
    gold: Literal["boxed", "whole"] | None = None
    """What the gold text must hold beyond an answer that the grader reads: a closed box, or a whole number from 0."""
    released: ReleasedName = "none"
    """The published extraction rule applied beside the grader."""
    columns: tuple[str, ...]
    """Columns that a data file must have. The fingerprint is taken over them."""
    named_by: tuple[str, ...] = ()
    """Of these, the ones that make up the question and so name an item; the first when not given."""
    options: str | None = None
    """The column with the options, for tasks graded by option."""
    slices: str | None = None
    """The column with the names of the groups that an item belongs to (its level, its kind): boards tell of each."""
    expected_items: PositiveInt | None = None
    """None where it is not known."""
    fingerprint: str | None = None
    """Of the expected items (see `data.fingerprint`); None where they were never at hand."""
    tuning_split: str | None = None
    """Items of the same kind on which a temperature may be chosen; without them half of the items serve for that."""
    examples: tuple[str, ...] = ()
    """Questions of the train split shown as solved examples, by digest (see `data.question_digest`)."""
    examples_split: str = "train"
    samples: int | None = None
    """Samples per item under `strict`, where they are other than the protocol's."""
    configs: tuple[str, ...] = ()
    """Hub configurations that together make the data set, where it has several."""
    files: tuple[str, ...] = ()
    """JSON files of the hub repository that hold the split, where the hub knows no splits."""
    prepare: str | None = None
    """`module:function` from the data set's rows to rows with the columns that the prompt speaks of."""
    conversation: str | None = None
    """The column with the turns so far, for tasks that begin in mid-conversation."""
    tests: str | None = None
    """`module:function` from a row to (function called or None, input-output tests of a program)."""
    solution: str | None = None
    """Template of an answer that is right (for `tasks verify`), where the gold text alone is none."""
    judging: Judging | None = None
    opencompass: str | None = None
    """The benchmark's name there; under `paper` its number comes from it."""
    protocols: dict[str, Under] = {}
    folder: str | None = None
    """The name of the task's sub-folder in a local data folder, where it is not the task's own name."""
    items: str | None = None
    """`module:function` that makes the items, for tasks without a data set."""
    licence: str
    source: str
