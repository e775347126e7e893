"""What a query, an answer and a second bring: from a calibration, or assumed from the recipe's own limits."""

from dataclasses import dataclass
from typing import Any

from genius_bench.errors import InputError
from genius_bench.method import Method
from genius_bench.planning.amounts import NOTHING, Amount, assumed, given, measured
from genius_bench.planning.calibration import Numbers
from genius_bench.planning.survey import CorpusSeen
from genius_bench.planning.survey_scores import TaskSeen
from genius_bench.sampling.foresight_options import ForesightOptions

STORED_BYTES_PER_TOKEN = 8.0
"""Of a token in a collection, its text and trace included; compressed, it is usually less."""
UNKNOWN_LIMIT = 1024.0
"""Tokens of a response for a plug-in whose options name no limit."""


@dataclass(frozen=True, kw_only=True)
class PerQuery:
    """Averages over queries of one iteration. `trained` are tokens of training rows.

    The longest sequence that is sampled, and that is trained on, are no averages.
    """

    requests: Amount
    read: Amount
    sampled: Amount
    judged: Amount
    rows: Amount
    trained: Amount
    longest: Amount
    longest_row: Amount
    stored: Amount


@dataclass(frozen=True, kw_only=True)
class PerAnswer:
    """Averages over the answers to a task. `judged` are the tokens of the prompts that a judge reads about one."""

    read: Amount
    sampled: Amount
    stored: Amount
    judged: Amount
    grading_seconds: Amount


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of one kind of work. `rate` is tokens per second and device, None where nobody knows it.

    `opening` passes before it starts; `ending` is what the last ones take beyond that rate.
    """

    rate: Amount | None
    opening: Amount = NOTHING
    ending: Amount = NOTHING
    peak_bytes: Amount | None = None
    complete: bool = True
    """Whether the calibration came to its end, not to the end of its time."""


def speed_given(rate: float | None) -> Speed:
    return Speed(rate=given(rate) if rate else None)


def speed_measured(numbers: Numbers) -> Speed:
    peak = numbers.get("peak_bytes")
    return Speed(
        rate=measured(numbers["tokens_per_second"]),
        opening=measured(numbers["opening_seconds"]),
        ending=measured(numbers.get("tail_seconds", 0.0)),
        peak_bytes=measured(peak) if peak else None,
        complete=numbers.get("complete", True),
    )


def measured_per_query(numbers: Numbers) -> PerQuery:
    """From `calibrate_sampling`."""
    return PerQuery(
        requests=measured(numbers["requests"]),
        read=measured(numbers["tokens_read"]),
        sampled=measured(numbers["tokens_sampled"]),
        judged=measured(numbers["tokens_judged"]),
        rows=measured(numbers["row_count"]),
        trained=measured(numbers["tokens_trained"]),
        longest=measured(numbers["longest"]),
        longest_row=measured(numbers["longest_row"]),
        stored=measured(numbers["stored_bytes"]),
    )


def assumed_per_query(
    method: Method, corpus: CorpusSeen, *, pairs: bool, context: int | None, response_tokens: int | None
) -> PerQuery:
    """The method's own numbers of responses, each as long as its limit (or as `response_tokens` says).

    Raises `InputError` for a plug-in that does not say what work it asks for.
    """
    work = method.work
    if work is None:
        raise InputError(
            f"method '{method.name}' does not say how many responses it asks for (`work`): plan it without "
            "--throughput, by a calibration"
        )
    limit = response_limit(method.options)
    room = context - corpus.prompt_tokens.value if context else limit
    response = given(response_tokens) if response_tokens else assumed(min(limit, max(room, 1.0)))
    judgement = assumed(getattr(method.options, "judge_max_tokens", 0))
    prompt = corpus.prompt_tokens
    sampled, judged = response * assumed(work.sampled), judgement * assumed(work.judged)
    asked = assumed(work.sampled * requests_per_response(method.options))
    trained = (prompt + response) * assumed(work.trained)
    return PerQuery(
        requests=asked + assumed(work.judged),
        read=prompt * asked + (prompt + response) * assumed(work.judged),
        sampled=sampled,
        judged=judged,
        rows=assumed(work.trained / (2 if pairs else 1)),
        trained=trained,
        longest=corpus.longest_prompt + response,
        longest_row=corpus.longest_prompt + response,
        stored=(sampled + trained) * assumed(STORED_BYTES_PER_TOKEN),
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
    """From `calibrate_scoring`; assumed where it came to no answer of this task."""
    mine = numbers["tasks"].get(task.task)
    if not mine:
        return assumed_per_answer(task, None)
    samples = task.answers - task.greedy
    tokens = (task.greedy * mine["greedy_tokens"] + samples * mine["sampled_tokens"]) / task.answers
    return PerAnswer(
        read=measured(mine["prompt_tokens"]),
        sampled=measured(tokens),
        stored=measured(mine["stored_bytes"]),
        judged=measured(mine["judged_tokens"]),
        grading_seconds=measured(mine["grading_seconds"]),
    )


def assumed_per_answer(task: TaskSeen, response_tokens: int | None) -> PerAnswer:
    """Every answer as long as its limit (or as `response_tokens` says)."""
    response = given(response_tokens) if response_tokens else assumed(task.max_tokens)
    seen_by_judge = task.question_tokens + response * float(task.shown_to_judge)
    return PerAnswer(
        read=task.question_tokens,
        sampled=response,
        stored=response * assumed(STORED_BYTES_PER_TOKEN),
        judged=seen_by_judge * float(task.judged),
        grading_seconds=NOTHING,
    )
