"""Exploration from the steps of a wrong answer: where it is lost (Self-Explore, arXiv 2404.10346, §3.2)."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import PositiveInt

from genius_bench.engines.interface import Completion
from genius_bench.rows import Query
from genius_bench.sampling.answers import agrees
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, is_usable
from genius_bench.sampling.steps import steps_of


class ExplorationOptions(ResponseOptions):
    explorations: PositiveInt = 4
    """k: completions drawn from behind every step."""
    max_steps: PositiveInt = 20
    """Steps that are explored, at most; an answer that is not lost by then has no pit."""
    step_delimiter: str = "\n"


@dataclass(frozen=True, kw_only=True)
class Pit:
    """The first step of a wrong answer from behind which the policy does not find the gold answer any more."""

    before: tuple[int, ...]
    """The answer's tokens up to the pit."""
    step: Completion
    right: tuple[Completion, ...]
    """The completions from before the pit that end in the gold answer, shortest first; none for the first step."""


async def first_pit(
    query: Query,
    number: int,
    wrong: Completion,
    prompt_ids: Sequence[int],
    policy: Policy,
    options: ExplorationOptions,
) -> Pit | None:
    """None where the gold answer is reached from behind every step. `number` names the answer among the query's."""
    steps = steps_of(wrong, options.step_delimiter, policy.text)[: options.max_steps]
    prefixes = [(), *accumulate(step.token_ids for step in steps)]
    right: tuple[Completion, ...] = ()
    for place, step in enumerate(steps, start=1):
        reached = await _right_from(query, (number, place), prefixes[place], prompt_ids, policy, options)
        if not reached:
            return Pit(before=prefixes[place - 1], step=step, right=right)
        right = reached
    return None


async def _right_from(
    query: Query,
    place: tuple[int, int],
    prefix: tuple[int, ...],
    prompt_ids: Sequence[int],
    policy: Policy,
    options: ExplorationOptions,
) -> tuple[Completion, ...]:
    asked = (*prompt_ids, *prefix)
    if policy.context_length is not None and len(asked) >= policy.context_length:
        return ()
    completions = await gather(
        *(
            policy.sample(
                asked,
                draw=("explore", query.id, *place, repeat),
                max_tokens=max(1, options.max_tokens - len(prefix)),
                temperature=options.temperature,
                top_p=options.top_p,
            )
            for repeat in range(options.explorations)
        )
    )
    right = [
        one
        for one in completions
        if is_usable(one, options) and agrees(policy.text(prefix) + one.text, query.answer or "")
    ]
    return tuple(sorted(right, key=lambda one: (len(one.token_ids), one.token_ids)))
