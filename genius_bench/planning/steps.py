"""The stages of a plan: what each reads, makes, takes and leaves on disk."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Any, Literal

from genius_bench.judging.cost import price
from genius_bench.planning.amounts import NOTHING, Amount, assumed
from genius_bench.planning.ledger import Seen
from genius_bench.planning.numbers import PerAnswer, PerQuery, Speed
from genius_bench.planning.survey import CorpusSeen
from genius_bench.planning.survey_scores import TaskSeen
from genius_bench.recipe import JudgeSection, TrainingSection
from genius_bench.training.schedule import optimiser_steps, steps_on_the_way

FORWARD_SHARE = 1 / 3
"""Reading a token for reference log-probabilities, in multiples of training on it: one pass of three."""

Kind = Literal["sample", "optimise", "evaluate"]
State = Literal["found", "begun", "to make", "planned above"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a step asks for. Tokens and requests; bytes on disk; seconds by the clock, and over all devices."""

    requests: Amount = NOTHING
    read: Amount = NOTHING
    sampled: Amount = NOTHING
    judged: Amount = NOTHING
    trained: Amount = NOTHING
    stored: Amount = NOTHING
    seconds: Amount = NOTHING
    device_seconds: Amount = NOTHING
    judge_calls: Amount = NOTHING
    judge_tokens: Amount = NOTHING
    """Read and written by the judge."""
    judge_cost: Amount = NOTHING
    """In the currency of the recipe's prices."""

    def __add__(self, other: "Load") -> "Load":
        names = [field.name for field in fields(Load)]
        return Load(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def share(self, part: float) -> "Load":
        return Load(**{field.name: getattr(self, field.name) * part for field in fields(Load)})

    def as_json(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name).as_json() for field in fields(Load)}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage. Equal keys are equal work; `timed` is False where nobody knows how long it takes."""

    kind: Kind
    key: str
    state: State
    iteration: int = 0
    model: str = ""
    task: str = ""
    load: Load = Load()
    timed: bool = True

    def as_json(self) -> dict[str, Any]:
        names = ("kind", "key", "state", "iteration", "model", "task", "timed")
        return {name: getattr(self, name) for name in names} | self.load.as_json()


def sample_step(
    iteration: int, seen: Seen, corpus: CorpusSeen, per_query: PerQuery, speed: Speed, devices: int
) -> Step:
    """All queries of an iteration through the method, less those that an interrupted attempt has left."""
    if seen.state == "found":
        return Step(kind="sample", key=seen.key, state="found", iteration=iteration)
    queries = corpus.queries * (1 - min(1.0, seen.done / corpus.queries.value))
    written = per_query.sampled + per_query.judged
    load = Load(
        requests=per_query.requests * queries,
        read=per_query.read * queries,
        sampled=per_query.sampled * queries,
        judged=per_query.judged * queries,
        stored=per_query.stored * queries,
    )
    timed = _timed(load, written * queries, speed, devices)
    return Step(
        kind="sample",
        key=seen.key,
        state=seen.state,
        iteration=iteration,
        load=timed or load,
        timed=bool(timed),
    )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training reads: rows and tokens of one epoch, and the bytes of the checkpoint that comes of it."""

    rows: Amount
    tokens: Amount
    checkpoint: Amount


def optimise_step(
    iteration: int,
    seen: Seen,
    trained: Trained,
    training: TrainingSection,
    speed: Speed,
    devices: int,
    *,
    referenced: bool,
) -> Step:
    """All epochs, less the steps of a saved state; `referenced`: whether the reference policy reads the rows first.

    Stored are the checkpoint and those on the way.
    """
    if seen.state == "found":
        return Step(kind="optimise", key=seen.key, state="found", iteration=iteration)
    rows = ceil(trained.rows.value)
    left = 1 - min(1.0, seen.done / max(1, optimiser_steps(rows, training)))
    checkpoints = 1 + len(steps_on_the_way(rows, training))
    tokens = trained.tokens * (training.epochs * left)
    read = trained.tokens if referenced and not seen.done else NOTHING
    load = Load(read=read, trained=tokens, stored=trained.checkpoint * float(checkpoints))
    paid = tokens + read * assumed(FORWARD_SHARE) if read.value else tokens
    timed = _timed(load, paid, speed, devices)
    return Step(
        kind="optimise",
        key=seen.key,
        state=seen.state,
        iteration=iteration,
        load=timed or load,
        timed=bool(timed),
    )


def evaluate_step(
    model: str, task: TaskSeen, per_answer: PerAnswer, speed: Speed, devices: int, judge: JudgeSection
) -> Step:
    """The answers to a task that are missing, and their verdicts. `speed.opening` is not in it: see `opening`."""
    step = Step(kind="evaluate", key=task.scores.key, state=task.scores.state, model=model, task=task.task)
    if task.scores.state == "found":
        return step
    answers = task.items * float(task.answers)
    missing = answers * (1 - min(1.0, task.generations.done / answers.value))
    if task.generations.state == "found":
        missing = NOTHING
    sampled = per_answer.sampled * missing
    load = Load(
        requests=missing,
        read=per_answer.read * missing,
        sampled=sampled,
        stored=per_answer.stored * missing,
        **_judged(answers, task, per_answer, judge),
    )
    closing = replace(speed, opening=NOTHING, ending=speed.ending if sampled.value else NOTHING)
    timed = _timed(load, sampled, closing, devices)
    if timed:
        grading = per_answer.grading_seconds * answers
        timed = replace(
            timed,
            seconds=timed.seconds + grading,
            device_seconds=timed.device_seconds + grading * float(devices),
        )
    state: State = "begun" if task.generations.state != "to make" else task.scores.state
    return replace(step, state=state, load=timed or load, timed=bool(timed))


def _judged(answers: Amount, task: TaskSeen, per_answer: PerAnswer, judge: JudgeSection) -> dict[str, Amount]:
    """As the estimate before judging counts it: verdicts as long as they may be."""
    if not task.judged:
        return {}
    calls = answers * float(task.judged)
    read, written = per_answer.judged * answers, calls * assumed(judge.max_tokens)
    cost = price(round(read.value), round(written.value), judge)
    return {
        "judge_calls": calls,
        "judge_tokens": read + written,
        "judge_cost": assumed(cost) if cost is not None else NOTHING,
    }


def _timed(load: Load, tokens: Amount, speed: Speed, devices: int) -> Load | None:
    """The load with the time that `tokens` take; None where nobody knows the speed."""
    if not tokens.value:
        return load
    if speed.rate is None:
        return None
    seconds = tokens / (speed.rate * float(devices)) + speed.opening + speed.ending
    return replace(load, seconds=seconds, device_seconds=seconds * float(devices))


def without_repetition(steps: list[Step]) -> Iterator[Step]:
    """The steps, of which those with a key that came before cost nothing more."""
    known: set[str] = set()
    for step in steps:
        if step.key in known and step.state != "found":
            yield replace(step, state="planned above", load=Load(), timed=True)
        else:
            yield step
        known.add(step.key)
