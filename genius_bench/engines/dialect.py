"""How an OpenAI-compatible server is spoken to: what it is sent, and how its answers are read."""

from dataclasses import dataclass
from typing import Any

from genius_bench.engines.interface import Completion, Request, Usage
from genius_bench.http_answers import MOST_COUNTED, Json, is_count
from genius_bench.http_client import EndpointError
from genius_bench.rows import FinishReason

SEEDS = 2**31
"""Servers take seeds of 32 or 64 bits, some of them signed: what is sent is the request's seed modulo this."""
OPTIONAL = {"seed": "seeds", "logprobs": "log-probabilities", "return_token_ids": "token ids of answers"}
"""Field of a request → what it cannot have from a server that refuses the field."""
MOST_BYTES_PER_TOKEN = 256
"""Of text. Tokens of a hundred spaces or signs exist, longer ones hardly."""
LIKELIEST = 0.01
"""Nats. Rounding may lift the log-probability of a certain token above zero, but not above this."""
LEAST_LIKELY = -1e5
"""Nats. vLLM writes -9999 for a probability of zero."""


@dataclass(frozen=True)
class Dialect:
    """How one server is spoken to: what it is sent, and how its answers are read."""

    model: str
    tokens: bool
    """Prompts are token ids; otherwise they are messages."""
    refused: frozenset[str] = frozenset()
    """Optional fields that it does not take."""
    vocabulary: int = MOST_COUNTED
    """Token ids are smaller."""

    @property
    def path(self) -> str:
        return "/completions" if self.tokens else "/chat/completions"

    @property
    def optional(self) -> frozenset[str]:
        return frozenset(OPTIONAL if self.tokens else ["seed"])

    def body(self, request: Request) -> Json:
        prompt: Json = {"messages": list(request.messages or ())}
        if self.tokens:
            prompt = {"prompt": list(request.prompt_ids), "logprobs": 1, "return_token_ids": True}
        sampling = {
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop": list(request.stop) or None,  # some servers refuse an empty list
            "seed": request.seed % SEEDS,
        }
        body = {"model": self.model, **prompt, **sampling}
        return {field: value for field, value in body.items() if field not in self.refused}

    def completion(self, answer: Json, request: Request) -> Completion:
        """Raises `EndpointError` for an answer without text, one that the server ended for a reason of its own, one
        that is longer than was asked for, or one whose numbers cannot be meant; it quotes the answer as it is
        (`JsonClient.harmless`)."""
        choice, text = self._choice(answer)
        if said := _instead(answer, choice):
            raise EndpointError(f"the server sent {said} beside the text")
        reason = choice.get("finish_reason")
        if reason not in ("stop", "length"):
            raise EndpointError(f"the server ended the answer with finish_reason {reason!r}")
        visible = _before(request.stop, text)
        token_ids = self._token_ids(choice.get("token_ids"))
        logprobs = _logprobs(_field(choice.get("logprobs"), "token_logprobs"))
        if token_ids and logprobs and len(token_ids) != len(logprobs):
            raise EndpointError(
                f"the server sent {len(logprobs)} log-probabilities of {len(token_ids)} tokens"
            )
        usage = _usage(answer.get("usage"))
        _check_length(request.max_tokens, text, len(token_ids), len(logprobs), usage)
        return Completion(
            token_ids=token_ids,
            text=visible.encode("utf-8", "replace").decode(),  # half a surrogate pair cannot be stored
            logprobs=logprobs if token_ids else (),
            finish_reason=_finish_reason(choice, stopped=visible != text),
            usage=usage,
        )

    def _choice(self, answer: Json) -> tuple[Json, str]:
        """The one choice that was asked for, and its text; a server that says nothing may say null."""
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
        holder = choice if self.tokens else _field(choice, "message")
        text = _field(holder, "text" if self.tokens else "content")
        named = isinstance(holder, dict) and ("text" if self.tokens else "content") in holder
        if not isinstance(choice, dict) or not named or not isinstance(text, str | None):
            raise EndpointError(f"the server's answer holds no text: {answer}")
        return choice, text or ""

    def _token_ids(self, values: Any) -> tuple[int, ...]:
        if values is None:
            return ()
        if not isinstance(values, list) or not all(is_count(one) and one < self.vocabulary for one in values):
            raise EndpointError(f"the server sent token ids that are none of this model's: {values}")
        return tuple(values)


def _instead(answer: Json, choice: Json) -> str:
    """What a server says in place of an answer, even where it sends some text too; empty where it says nothing."""
    for holder in (answer, choice, choice.get("message")):
        for name in ("error", "refusal"):
            if said := _field(holder, name):
                return f"{'an' if name == 'error' else 'a'} {name} ({said})"
    return ""


def _check_length(limit: int, text: str, ids: int, logprobs: int, usage: Usage | None) -> None:
    """Raises `EndpointError` for more than `limit` tokens; some servers count the end of the turn besides."""
    counted = max(ids, logprobs, usage.completion_tokens if usage else 0)
    if counted > limit + 1:
        raise EndpointError(f"the server sent {counted} tokens where at most {limit} were asked for")
    size = len(text.encode("utf-8", "replace"))
    if size > (limit + 1) * MOST_BYTES_PER_TOKEN:
        raise EndpointError(
            f"the server sent {size} bytes of text where at most {limit} tokens were asked for"
        )


def _before(stops: tuple[str, ...], text: str) -> str:
    """The text before the first stop string: not every server cuts there."""
    ends = [position for stop in stops if (position := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _finish_reason(choice: Json, *, stopped: bool) -> FinishReason:
    """vLLM and SGLang name the stop string; where a server does not, the answer counts as ended by itself."""
    if choice["finish_reason"] == "length":
        return "length"
    named = choice.get("stop_reason", choice.get("matched_stop"))
    return "stop" if stopped or isinstance(named, str) else "eos"


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _logprobs(values: Any) -> tuple[float, ...]:
    if values is None:
        return ()
    if not isinstance(values, list) or not all(
        isinstance(one, int | float) and not isinstance(one, bool) and LEAST_LIKELY <= one <= LIKELIEST
        for one in values
    ):
        raise EndpointError(f"the server sent log-probabilities that are none: {values}")
    return tuple(map(float, values))


def _usage(usage: Any) -> Usage | None:
    """Tokens as the server counted them; None where it did not."""
    counts = [_field(usage, name) for name in ("prompt_tokens", "completion_tokens")]
    if None in counts:
        return None
    if not all(map(is_count, counts)):
        raise EndpointError(f"the server sent numbers of tokens that are none: {usage}")
    return Usage(*counts)
