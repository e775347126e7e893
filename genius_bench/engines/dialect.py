"""How an OpenAI-compatible server is spoken to: what it is sent, and how its answers are read."""

from dataclasses import dataclass
from typing import Any

from genius_bench.engines.interface import Completion, Request, Usage
from genius_bench.http_client import EndpointError, Json
from genius_bench.rows import FinishReason

SEEDS = 2**31
"""Servers take seeds of 32 or 64 bits, some of them signed: what is sent is the request's seed modulo this."""
OPTIONAL = {"seed": "seeds", "logprobs": "log-probabilities", "return_token_ids": "token ids of answers"}
"""Field of a request → what it cannot have from a server that refuses the field."""


@dataclass(frozen=True)
class Dialect:
    """How one server is spoken to: what it is sent, and how its answers are read."""

    model: str
    tokens: bool
    """Prompts are token ids; otherwise they are messages."""
    refused: frozenset[str] = frozenset()
    """Optional fields that it does not take."""

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
        """Raises `EndpointError` for an answer without text, or one that the server ended for a reason of its own; it
        quotes the answer as it is (`JsonClient.harmless`)."""
        try:
            choice = answer["choices"][0]
            text = str((choice["text"] if self.tokens else choice["message"]["content"]) or "")
            reason = choice["finish_reason"]
        except (KeyError, IndexError, TypeError):
            raise EndpointError(f"the server's answer holds no text: {answer}") from None
        if reason not in ("stop", "length"):
            raise EndpointError(f"the server ended the answer with finish_reason {reason!r}")
        visible = _before(request.stop, text)
        token_ids = tuple(_numbers(choice.get("token_ids"), int))
        logprobs = tuple(_numbers(_field(choice.get("logprobs"), "token_logprobs"), (int, float)))
        return Completion(
            token_ids=token_ids,
            text=visible.encode("utf-8", "replace").decode(),  # half a surrogate pair cannot be stored
            logprobs=logprobs if len(logprobs) == len(token_ids) else (),
            finish_reason=_finish_reason(choice, stopped=visible != text),
            usage=_usage(answer.get("usage")),
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


def _numbers(values: Any, kind: Any) -> list[Any]:
    """`values` where it is a list of such numbers, and nothing otherwise."""
    numbers = values if isinstance(values, list) else []
    return numbers if all(isinstance(value, kind) for value in numbers) else []


def _usage(usage: Any) -> Usage | None:
    try:
        return Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
    except (KeyError, TypeError, ValueError):
        return None
