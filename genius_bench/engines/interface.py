"""The one interface behind which text is generated: many small requests in, completions out in any order."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from genius_bench.errors import InputError
from genius_bench.rows import FinishReason, Message


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """How an answer is to go on from where it ended: what a second request would say, its prompt and `top_p` aside."""

    max_tokens: int
    seed: int
    temperature: float
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One continuation wanted. Every sampling field is explicit: engines add no defaults of their own.

    Temperature 0 is greedy. `seed` alone fixes the randomness of this request, whatever shares its batch.
    Generation ends after the token that completes one of the `stop` strings. An engine without a tokenizer is given
    `messages`, and no `prompt_ids`.

    `then` is a hint: where the answer ends at a stop string after something other than white space, the one who asks
    will want its continuation. An engine that can goes on at once, and saves reading all of it again.
    """

    prompt_ids: tuple[int, ...]
    max_tokens: int
    seed: int
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    messages: tuple[Message, ...] | None = None
    then: Continuation | None = None
    entropies: bool = False
    """Whether `Completion.entropies` are wanted; what is drawn does not depend on it."""
    certainties: bool = False
    """Whether `Completion.certainties` are wanted; what is drawn does not depend on it."""


@dataclass(frozen=True)
class Usage:
    """Tokens as a server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What came out.

    `token_ids` are exactly the sampled tokens, including the end-of-sequence token or the tokens that formed the
    stop string; `logprobs` (nats) belong to them one by one and are those of the *unscaled* policy (temperature 1,
    full vocabulary). `text` is decoded without the end-of-sequence token and cut before the stop string.

    `entropies` (nats) are those of the distributions that the tokens were drawn from: at the request's temperature,
    before top-p; 0 for greedy ones. `certainties` (nats) are KL(U‖p) of the unscaled policy p and the uniform
    distribution U over the vocabulary, at each token. Both are of the tokens that the tokenizer knows, without the rows
    that only pad a model's head, and empty where they were not wanted, or the engine cannot tell (`RereadingEngine`).

    Servers may tell neither token ids nor log-probabilities: both are empty then, and `usage` has the numbers.

    `then` is what a second request for the continuation (`Request.then`) would have given; None where the engine has
    not gone on, and that request is still to be made.
    """

    token_ids: tuple[int, ...]
    text: str
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    usage: Usage | None = None
    then: "Completion | None" = None
    entropies: tuple[float, ...] = ()
    certainties: tuple[float, ...] = ()

    @property
    def completion_tokens(self) -> int:
        return self.usage.completion_tokens if self.usage else len(self.token_ids)


class Engine(Protocol):
    """A loaded policy. `generate` may be awaited by hundreds of coroutines at once."""

    tokenizer: Any
    """Renders the prompts; None for a server that renders them itself: requests to it carry `messages`."""
    name: str
    context_length: int | None
    """Most tokens of prompt and completion together; None where the model has no limit."""

    async def generate(self, request: Request) -> Completion: ...

    def close(self) -> None: ...


@runtime_checkable
class ExchangingEngine(Engine, Protocol):
    """An engine that can go on with the weights of another checkpoint."""

    async def exchange_weights(self, model_path: Path | str) -> None:
        """Raises `InputError`, and has changed nothing, for a checkpoint that needs an engine of its own."""


@runtime_checkable
class RereadingEngine(Engine, Protocol):
    """An engine that can tell entropies and certainties of completions that came without."""

    async def reread(self, request: Request, completion: Completion) -> Completion:
        """`completion`, an answer to an equal request, with what `request` wants to be told of it."""


def within_context(request: Request, context_length: int | None) -> Request:
    """`request` with a limit that prompt and completion together can keep.

    Raises `InputError` when the prompt leaves no room for an answer.
    """
    if context_length is None:
        return request
    room = context_length - len(request.prompt_ids)
    if room < 1:
        raise InputError(
            f"a prompt of {len(request.prompt_ids)} tokens does not fit the model's context of {context_length}"
        )
    return request if request.max_tokens <= room else replace(request, max_tokens=room)
