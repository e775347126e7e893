"""A request and its continuation as one sequence of tokens: where the first ends and the second begins.

Who generates the sequence and who receives it look at the same tokens with the same rules, so nothing but tokens has to
travel between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.stopping import Stopping
from genius_bench.rows import FinishReason

Moment = Literal["goes on", "turns", "is over"]


@dataclass
class Continuing:
    """Follows a sequence as it grows."""

    request: Request
    stopping: Stopping
    turn: int | None = field(default=None, init=False)
    """Tokens of the first answer, once the second has begun."""
    reason: FinishReason | None = field(default=None, init=False)
    """Why the answer that came last is over."""
    seen: int = field(default=0, init=False)
    """Tokens that were looked at."""

    def look(self, token_ids: list[int]) -> Moment:
        """What the newest token has brought about. A turn is told once. Tokens after the end are not looked at."""
        moment: Moment = "is over" if self.reason else "goes on"
        several = len(token_ids) > self.seen + 1
        read = token_ids[: self.seen] if several else token_ids
        while self.seen < len(token_ids) and not self.reason:
            if several:
                read.append(token_ids[self.seen])
            self.seen += 1
            moment = self._next(read)
        return moment

    def _next(self, token_ids: list[int]) -> Moment:
        request, then = self.request, self.request.then
        if then and self.turn is not None:
            self.reason = self.stopping.reason(token_ids, then.max_tokens, then.stop, begin=self.turn)
            return "is over" if self.reason else "goes on"
        reason = self.stopping.reason(token_ids, request.max_tokens, request.stop)
        if reason == "stop" and then and self.stopping.visible_text(token_ids, request.stop).strip():
            self.turn = self.seen
            return "turns"
        self.reason = reason
        return "is over" if reason else "goes on"


def completions_of(
    token_ids: list[int],
    logprobs: list[float],
    watched: Continuing,
    entropies: Sequence[float] = (),
    certainties: Sequence[float] = (),
) -> Completion:
    """The answer to a request, with that to its continuation where there is one: as two requests would have given them.

    What follows the end is dropped. A sequence that just breaks off has come to the end of the context.
    """
    watched.look(token_ids)
    request, end, turn = watched.request, watched.seen, watched.turn
    reason, stopping = watched.reason or "length", watched.stopping
    if request.then is None or turn is None:
        whole = _completion(token_ids[:end], logprobs[:end], reason, request.stop, stopping)
        return replace(whole, entropies=tuple(entropies[:end]), certainties=tuple(certainties[:end]))
    first = _completion(token_ids[:turn], logprobs[:turn], "stop", request.stop, stopping)
    first = replace(first, entropies=tuple(entropies[:turn]), certainties=tuple(certainties[:turn]))
    if end == turn:
        return first
    second = _completion(token_ids[turn:end], logprobs[turn:end], reason, request.then.stop, stopping)
    second = replace(second, entropies=tuple(entropies[turn:end]), certainties=tuple(certainties[turn:end]))
    return replace(first, then=second)


def _completion(
    token_ids: list[int],
    logprobs: list[float],
    reason: FinishReason,
    stop: tuple[str, ...],
    stopping: Stopping,
) -> Completion:
    return Completion(
        token_ids=tuple(token_ids),
        text=stopping.visible_text(token_ids, stop),
        logprobs=tuple(logprobs),
        finish_reason=reason,
    )
