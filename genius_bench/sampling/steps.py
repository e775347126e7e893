"""Where the steps of an answer end, in tokens."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from genius_bench.engines.interface import Completion


def end_of_step(ids: Sequence[int], limit: int, holds_a_step: Callable[[int], bool]) -> int:
    """The fewest tokens that hold a step; at most `limit`, which is what an answer without an end of step comes to.

    What a text has said stays said as it grows, so the end is closed in on by doubling and halving, not token by token.
    """
    limit = min(len(ids), limit)
    below, above = 0, 1
    while above < limit and not holds_a_step(above):
        below, above = above, 2 * above
    return bisect_left(range(limit), True, below, min(above, limit), key=holds_a_step)


def steps_of(
    response: Completion, delimiter: str, text_of: Callable[[Sequence[int]], str]
) -> list[Completion]:
    """The response's steps, each with its delimiter and its own log-probabilities; the end of the sequence is no part
    of any. Blank lines belong to the step that they come before, at the end to the one that they follow.
    """
    ids = response.token_ids[:-1] if response.finish_reason == "eos" else response.token_ids
    ends = [0]
    while ends[-1] < len(ids):
        rest = ids[ends[-1] :]

        def holds_a_step(count: int, rest: Sequence[int] = rest) -> bool:
            return delimiter in text_of(rest[:count]).lstrip()

        ends.append(ends[-1] + end_of_step(rest, len(rest), holds_a_step))
    if len(ends) > 2 and not text_of(ids[ends[-2] :]).strip():
        del ends[-2]
    return [
        replace(
            response,
            token_ids=ids[begin:end],
            logprobs=response.logprobs[begin:end],
            text=text_of(ids[begin:end]),
            finish_reason="stop",
        )
        for begin, end in pairwise(ends)
    ]
