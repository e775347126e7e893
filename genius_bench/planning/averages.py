"""What a query and an answer take on average: from a calibration, or assumed from the recipe's own limits."""

from dataclasses import dataclass
from typing import Any

from genius_bench.errors import InputError
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.amounts import NOTHING, Amount, assumed, counted, given, measured
from genius_bench.planning.calibration import Numbers
from genius_bench.planning.looking import Looked
from genius_bench.planning.steps import Load, Speed
from genius_bench.planning.survey import TrainingRows
from genius_bench.planning.survey_scores import TaskSeen
from genius_bench.planning.throughput import Throughput
from genius_bench.resolution import Resolved
from genius_bench.sampling.foresight_options import ForesightOptions

STORED_BYTES_PER_TOKEN = 8.0
"""Of a token in a collection, its text and trace included; compressed, it is usually less."""
UNKNOWN_LIMIT = 1024.0
"""Tokens of a response for a plug-in whose options name no limit."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Averages over queries of one iteration. The longest sequences, sampled and trained on, are no averages."""

    speed: Speed
    load: Load
    rows: TrainingRows
    longest: Amount


@dataclass(frozen=True, kw_only=True)
class PerAnswer:
    """Averages over the answers to a task. `judge_reads` are the tokens of a judge's prompts about one."""

    load: Load
    judge_reads: Amount
    grading_seconds: Amount


def given_speed(rate: float | None) -> Speed:
    return Speed(rate=given(rate) if rate else None)


def measured_speed(numbers: Numbers) -> Speed:
    peak = numbers.get("peak_bytes")
    return Speed(
        rate=measured(numbers["tokens_per_second"]),
        opening=measured(numbers["opening_seconds"]),
        ending=measured(numbers.get("tail_seconds", 0.0)),
        peak_bytes=measured(peak) if peak else None,
        complete=numbers.get("complete", True),
    )


def measured_sampling(numbers: Numbers) -> Sampling:
    """From `calibrate_sampling`."""
    names = ("requests", "read", "sampled", "judged", "stored")
    return Sampling(
        speed=measured_speed(numbers),
        load=Load(**{name: measured(numbers[name]) for name in names}),
        rows=TrainingRows(
            rows=measured(numbers["rows_trained"]),
            tokens=measured(numbers["tokens_trained"]),
            longest=measured(numbers["longest_row"]),
        ),
        longest=measured(numbers["longest"]),
    )


def assumed_sampling(resolved: Resolved, looked: Looked, throughput: Throughput) -> Sampling:
    """The method's own numbers of responses, each as long as its limit unless `throughput` says.

    Raises `InputError` for a plug-in that does not say what work it asks for.
    """
    method, work = resolved.method, resolved.method.work
    if work is None:
        raise InputError(
            f"method '{method.name}' does not say how many responses it asks for (`work`): plan it without "
            "--throughput, by a calibration"
        )
    corpus, context = looked.training.corpus, looked.sizes.shape.context
    prompt, limit = corpus.prompt_tokens, response_limit(method.options)
    room = context - prompt.value if context else limit
    usual = throughput.response_tokens
    response = given(usual) if usual else assumed(min(limit, max(room, 1.0)))
    judgement = assumed(getattr(method.options, "judge_max_tokens", 0))
    asked = assumed(work.sampled * requests_per_response(method.options))
    sampled, judged = response * assumed(work.sampled), judgement * assumed(work.judged)
    trained = (prompt + response) * assumed(work.trained)
    longest = corpus.longest_prompt + response
    pairs = not isinstance(method, OnlineMethod) and resolved.objective.eats == "pairs"
    return Sampling(
        speed=given_speed(throughput.sampling),
        load=Load(
            requests=asked + assumed(work.judged),
            read=prompt * asked + (prompt + response) * assumed(work.judged),
            sampled=sampled,
            judged=judged,
            stored=(sampled + trained) * assumed(STORED_BYTES_PER_TOKEN),
        ),
        rows=TrainingRows(
            rows=assumed(work.trained / (2 if pairs else 1)),
            tokens=trained,
            longest=longest,
        ),
        longest=longest,
    )


def response_limit(options: Any) -> float:
    """Most tokens of a response under a method's options; for foresight sampling, of a step with its look-ahead."""
    if isinstance(options, ForesightOptions):
        step = options.step_max_tokens if requests_per_response(options) > 1 else 0
        return float(step + options.foresight_max_tokens)
    return float(getattr(options, "max_tokens", UNKNOWN_LIMIT))


def requests_per_response(options: Any) -> int:
    """Foresight sampling asks for a step and for its look-ahead, at once where their temperatures are equal."""
    if not isinstance(options, ForesightOptions) or options.score == "step":
        return 1
    equal = options.step_temperature == options.foresight_temperature and options.joining == "tokens"
    return 1 if equal else 2


def measured_per_answer(task: TaskSeen, numbers: Numbers) -> PerAnswer:
    """From what `calibrate_scoring` says of the task."""
    samples = task.answers - task.greedy
    tokens = (task.greedy * numbers["greedy_tokens"] + samples * numbers["sampled_tokens"]) / task.answers
    return PerAnswer(
        load=_one_answer(measured(numbers["read"]), measured(tokens), measured(numbers["stored"])),
        judge_reads=measured(numbers["judge_reads"]),
        grading_seconds=measured(numbers["grading_seconds"]),
    )


def assumed_per_answer(task: TaskSeen, response_tokens: int | None) -> PerAnswer:
    """Every answer as long as its limit (or as `response_tokens` says)."""
    response = given(response_tokens) if response_tokens else assumed(task.max_tokens)
    seen_by_judge = task.question_tokens + response * task.shown_to_judge
    return PerAnswer(
        load=_one_answer(task.question_tokens, response, response * assumed(STORED_BYTES_PER_TOKEN)),
        judge_reads=seen_by_judge * task.judged,
        grading_seconds=NOTHING,
    )


def _one_answer(read: Amount, sampled: Amount, stored: Amount) -> Load:
    return Load(requests=counted(1), read=read, sampled=sampled, stored=stored)
