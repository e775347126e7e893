"""A model behind an OpenAI-compatible URL: its address and name, and how its server is spoken to."""

import asyncio
from dataclasses import dataclass
from typing import Any

from genius_bench.artifacts import digest_of
from genius_bench.engines.interface import Completion, Request, Usage
from genius_bench.engines.loading import (
    COMPANIONS,
    ModelFiles,
    fingerprint,
    locate,
    resolve_model,
    template_text,
)
from genius_bench.errors import InputError
from genius_bench.http_client import EndpointError, Json, JsonClient, check_url, one_line
from genius_bench.recipe import EngineSection
from genius_bench.rows import FinishReason

QUICK_TRIES = 3
"""At most, for the questions that come before the work: a wrong address should be told in seconds."""
NAMES_SHOWN = 20
SEEDS = 2**31
"""Servers take seeds of 32 or 64 bits, some of them signed: what is sent is the request's seed modulo this."""
OPTIONAL = {"seed": "seeds", "logprobs": "log-probabilities", "return_token_ids": "token ids of answers"}
"""Field of a request → what it cannot have from a server that refuses the field."""


@dataclass(frozen=True)
class Endpoint:
    """A server's URL (up to and including /v1) and the name under which it serves the model.

    These two are all that its fingerprint is made of, for the weights cannot be seen: who serves other weights under
    the same name is given the old scores. Another name, or another port, makes new ones.
    """

    name: str
    url: str

    @property
    def fingerprint(self) -> str:
        return digest_of([self.url, self.name])

    def served_fingerprint(self, settings: EngineSection) -> str:
        """With what changes the prompts: a local tokenizer and its chat template."""
        tokenizer = template = None
        if settings.tokenizer:
            tokenizer = fingerprint(locate(settings.tokenizer, weights=False), COMPANIONS)
            template = template_text(settings.chat_template)
        return digest_of([self.fingerprint, settings.name, tokenizer, template])


def is_url(model: str) -> bool:
    return model.lower().startswith(("http://", "https://"))


def resolve_served(model: str, settings: EngineSection) -> ModelFiles | Endpoint:
    """What can be asked: a model's files (`resolve_model`), or the endpoint at a URL.

    An endpoint that serves one model needs no name for it. Raises `InputError` for a URL that is none, or where a
    name is needed, and `EndpointError` where the server does not answer.
    """
    if not is_url(model):
        return resolve_model(model)
    if settings.name == "hf":
        raise InputError(
            "the engine 'hf' runs models on this machine: a URL needs one that asks servers ('openai')"
        )
    if settings.chat_template and not settings.tokenizer:
        raise InputError(
            "engine.chat_template needs engine.tokenizer with an endpoint: without one the server renders the prompts"
        )
    url = check_url(model)
    return Endpoint(settings.served_model or asyncio.run(_only_model(url, settings)), url)


def open_client(url: str, settings: EngineSection, *, quick: bool = False) -> JsonClient:
    """`quick` gives up after a few tries."""
    tries = min(settings.tries, QUICK_TRIES) if quick else settings.tries
    return JsonClient(url, settings.key_variable, settings.timeout_seconds, tries, settings.max_batch)


async def served_models(client: JsonClient) -> dict[str, int | None]:
    """The names of what a server serves, each with its context length where that is told. Raises `EndpointError`."""
    rows = (await client.get("/models")).get("data")
    models = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    lengths = {str(row.get("id")): row.get("max_model_len") for row in models}
    return {name: length if isinstance(length, int) else None for name, length in lengths.items()}


async def _only_model(url: str, settings: EngineSection) -> str:
    async with open_client(url, settings, quick=True) as client:
        try:
            names = sorted(await served_models(client))
        except EndpointError as error:
            if error.status is None:
                raise
            raise EndpointError(
                f"{error}; give the URL up to and including /v1, and --set engine.served_model=NAME where the server "
                "does not list its models"
            ) from error
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    raise InputError(
        f"the endpoint {url} lists {len(names)} models: name one with --set engine.served_model=NAME"
        + (f" ({shown})" if names else "")
    )


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
        """Raises `EndpointError` for an answer without text, or one that the server ended for a reason of its own."""
        try:
            choice = answer["choices"][0]
            text = str((choice["text"] if self.tokens else choice["message"]["content"]) or "")
            reason = choice["finish_reason"]
        except (KeyError, IndexError, TypeError):
            raise EndpointError(f"the server's answer holds no text: {one_line(str(answer))}") from None
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
