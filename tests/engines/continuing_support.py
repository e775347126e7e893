"""Requests with continuations, and what an engine says when it is asked for both by themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from genius_bench.engines.interface import Completion, Continuation, Engine, Request
from tests.engines.vllm_support import generate


def going_on(requests: Sequence[Request], **fields: Any) -> list[Request]:
    sampling: dict[str, Any] = {"max_tokens": 64, "temperature": 1.0, **fields}
    return [
        replace(request, then=Continuation(seed=request.seed + 10**6, **sampling)) for request in requests
    ]


def asked_twice(engine: Engine, wanted: Sequence[Request], *, greedy_too: bool = True) -> list[Completion]:
    """Each continuation as a request of its own, where there is one and the context has room for it."""
    answers = generate(engine, [replace(request, then=None) for request in wanted])
    followed: list[int] = []
    seconds: list[Request] = []
    for number, (request, first) in enumerate(zip(wanted, answers, strict=True)):
        prompt = request.prompt_ids + first.token_ids
        room = engine.context_length is None or len(prompt) < engine.context_length
        says_something = first.finish_reason == "stop" and bool(first.text.strip())
        if request.then and says_something and room and (greedy_too or request.temperature):
            followed.append(number)
            seconds.append(replace(request, prompt_ids=prompt, **vars(request.then), then=None))
    for number, second in zip(followed, generate(engine, seconds), strict=True):
        answers[number] = replace(answers[number], then=second)
    return answers


def differences(some: Sequence[Completion], others: Sequence[Completion]) -> int:
    """How many have other tokens, ends or texts. Log-probabilities of equal tokens must agree."""
    different = 0
    for one, other in zip(some, others, strict=True):
        mine, theirs = _parts(one), _parts(other)
        if [replace(c, logprobs=()) for c in mine] != [replace(c, logprobs=()) for c in theirs]:
            different += 1
            continue
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)
    return different


def _parts(completion: Completion) -> list[Completion]:
    parts = [completion, completion.then] if completion.then else [completion]
    return [replace(part, then=None) for part in parts]
