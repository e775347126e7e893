"""What can be asked: a model's files on this machine, or a model behind an OpenAI-compatible URL."""

import asyncio
from dataclasses import dataclass
from typing import Any

from genius_bench.engines.loading import (
    COMPANIONS,
    ModelFiles,
    fingerprint,
    locate,
    pick_device,
    resolve_model,
    template_text,
)
from genius_bench.errors import InputError
from genius_bench.http_answers import is_count
from genius_bench.http_client import EndpointError, JsonClient, check_url
from genius_bench.integrity import digest_of
from genius_bench.recipe import EngineSection

QUICK_TRIES = 3
"""At most, for the questions that come before the work: a wrong address should be told in seconds."""
NAMES_SHOWN = 20
LONGEST_NAME = 500


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
        return digest_of([self.fingerprint, settings.generator, tokenizer, template])


def served_fingerprint(model: ModelFiles | Endpoint, settings: EngineSection) -> str:
    """What determines the answers of a model: its files, and the engine settings that change what it says."""
    if isinstance(model, Endpoint):
        return model.served_fingerprint(settings)
    precision: str = settings.precision
    if precision == "auto":
        precision = "float32" if pick_device(settings.device) == "cpu" else "of the files"
    return digest_of(
        [model.fingerprint, settings.generator, precision, template_text(settings.chat_template)]
    )


def is_url(model: str) -> bool:
    return model.lower().startswith(("http://", "https://"))


def check_asked(model: str, settings: EngineSection) -> None:
    """Raises `InputError` where the engine is not one for what is to be asked: a server, or files."""
    if settings.url is not None:
        raise InputError(
            "engine.url names a server that samples for a training: to score one, give its URL itself"
        )
    if is_url(model) and settings.generator in ("hf", "vllm"):
        raise InputError(
            f"the engine '{settings.generator}' runs models on this machine: a URL needs one that asks servers "
            "('openai')"
        )
    if not is_url(model) and settings.generator == "openai":
        raise InputError(
            f"the engine 'openai' asks servers: give the URL of one, such as http://127.0.0.1:8000/v1, not '{model}'"
        )


def resolve_served(model: str, settings: EngineSection) -> ModelFiles | Endpoint:
    """What can be asked: a model's files (`resolve_model`), or the endpoint at a URL.

    An endpoint that serves one model needs no name for it. Raises `InputError` for a URL that is none, or where a
    name is needed, and `EndpointError` where the server does not answer.
    """
    check_asked(model, settings)
    if not is_url(model):
        return resolve_model(model)
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
    names = {row["id"]: row.get("max_model_len") for row in models if _is_name(row.get("id"))}
    return {name: length if is_count(length) and length else None for name, length in names.items()}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME


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
