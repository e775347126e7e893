"""Protocols: named, versioned ways to ask and to count. Numbers of different protocols never share a column."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard, read_yaml
from genius_bench.evaluation.facts import JUDGED
from genius_bench.layers import validate
from genius_bench.recipe import EvaluationSection


class Protocol(BaseModel):
    """What is asked of every task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: PositiveInt
    title: str
    greedy: bool
    """Whether a greedy answer is wanted beside the samples."""
    samples: NonNegativeInt
    headline: Literal["robust", "released"]
    """Whose verdicts make the board's numbers; the other's are shown beside them."""
    opencompass: bool = False
    """Whether tasks that name an OpenCompass benchmark are scored by it."""


@cache
def protocols() -> dict[str, Protocol]:
    """Every protocol by name, from `tasks/protocols.yaml`."""
    rows = read_yaml(Path(str(files("genius_bench.tasks"))) / "protocols.yaml")
    return {name: validate(Protocol, row, name) for name, row in rows.items()}


def answers_wanted(card: TaskCard, settings: EvaluationSection) -> tuple[bool, int]:
    """Whether a greedy answer is wanted, and how many samples, of a task as the protocol asks it.

    Raises `InputError` when that makes no answer at all.
    """
    protocol = protocols()[settings.protocol]
    wanted = (settings.samples, card.facts.samples, protocol.samples)
    samples = next(number for number in wanted if number is not None)
    greedy = protocol.greedy if settings.greedy is None else settings.greedy
    if not greedy and samples == 0:
        raise InputError(
            f"protocol '{settings.protocol}' has no greedy answer: evaluation.samples must be 1 or more"
            if settings.greedy is None
            else "evaluation.greedy = false: evaluation.samples must be 1 or more"
        )
    return greedy, samples


def by_opencompass(card: TaskCard, settings: EvaluationSection) -> bool:
    """Whether a task is scored by OpenCompass instead of our own engines and graders."""
    if settings.runner == "auto":
        return protocols()[settings.protocol].opencompass and card.facts.opencompass is not None
    if settings.runner == "opencompass" and card.facts.opencompass is None:
        raise InputError(f"task '{card.name}' is no OpenCompass benchmark here: use evaluation.runner=native")
    return settings.runner == "opencompass"


def is_judged(card: TaskCard) -> bool:
    """Whether another model grades the task."""
    return card.facts.grader in JUDGED
