"""The steps that score a model: answers that are missing, their grades or verdicts."""

from dataclasses import replace

from genius_bench.judging.cost import price
from genius_bench.planning.amounts import NOTHING, Amount, assumed, largest
from genius_bench.planning.averages import PerAnswer
from genius_bench.planning.figures import Scoring
from genius_bench.planning.steps import Load, Step
from genius_bench.planning.survey_scores import ModelSeen, TaskSeen
from genius_bench.recipe import EngineSection, JudgeSection


def scoring_steps(seen: ModelSeen, scoring: Scoring | None, devices: int, judge: JudgeSection) -> list[Step]:
    """The engine is opened once for all tasks of a model; the first that needs it pays."""
    steps: list[Step] = []
    for task in seen.tasks:
        step = Step(
            kind="evaluate", key=task.scores.key, state=task.scores.state, model=seen.model, task=task.task
        )
        if scoring is not None and not task.scores.found:
            step = _scored(step, task, scoring, devices, judge)
            if step.timed and step.load.sampled.value:
                scoring = replace(scoring, speed=replace(scoring.speed, opening=NOTHING))
        steps.append(step)
    return steps


def _scored(step: Step, task: TaskSeen, scoring: Scoring, devices: int, judge: JudgeSection) -> Step:
    per_answer = scoring.per_answer(task)
    answers = task.items * task.answers
    load = per_answer.load * (answers * task.generations.left_of(answers.value))
    load += _verdicts(answers, task, per_answer, judge)
    load = load.lasting(per_answer.grading_seconds * answers, devices)
    begun = task.generations.state != "to make"
    return replace(step, state="begun" if begun else step.state).taking(
        load, load.sampled, scoring.speed, devices
    )


def _verdicts(answers: Amount, task: TaskSeen, per_answer: PerAnswer, judge: JudgeSection) -> Load:
    """As the estimate before judging counts it: verdicts as long as they may be."""
    if not task.judged:
        return Load()
    calls = answers * task.judged
    read, written = per_answer.judge_reads * answers, calls * assumed(judge.max_tokens)
    cost = price(round(read.value), round(written.value), judge)
    return Load(judge_calls=calls, judge_tokens=read + written, judge_cost=assumed(cost or 0.0))


def longest_answer(seen: ModelSeen, scoring: Scoring | None) -> Amount:
    """Tokens of a prompt with its answer."""
    if scoring is None:
        return NOTHING
    loads = [scoring.per_answer(task).load for task in seen.tasks]
    return largest(load.read + load.sampled for load in loads)


def sampling_devices(engine: EngineSection) -> int:
    """Over which one engine, or all of Ray's (one where their number is left open), spread the work."""
    each = engine.tensor_parallel * engine.data_parallel if engine.generator == "vllm" else 1
    return each * (engine.workers or 1)
