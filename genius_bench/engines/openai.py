"""The `openai` engine: any server that speaks OpenAI's HTTP interface (vLLM, SGLang, llama.cpp, hosted ones)."""

import asyncio
from dataclasses import replace
from typing import Any

from genius_bench.engines.dialect import OPTIONAL, Dialect
from genius_bench.engines.endpoint import Endpoint, open_client, served_models
from genius_bench.engines.interface import Completion, Request, within_context
from genius_bench.engines.loading import load_tokenizer, locate
from genius_bench.engines.rendering import render
from genius_bench.errors import InputError
from genius_bench.http_client import EndpointError, JsonClient
from genius_bench.printing import note
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message

NOT_UNDERSTOOD = (400, 404, 405, 415, 422, 500, 501)
"""HTTP statuses by which servers say that they do not know a field or a path."""
HELLO = Request(
    messages=(Message(role="user", content="Write down ten random words."),),
    prompt_ids=(),
    max_tokens=1,
    seed=1,
    temperature=0.0,
)
DRAWS = (1, 2, 3, 4, 4)
"""Seeds of the draws that show whether a server samples at all, and whether it heeds seeds."""
DRAWN_TOKENS = 24


class OpenAIEngine:
    """Sends token ids where a tokenizer is given and the server takes them, and messages otherwise: the server's own
    template renders those, and `tokenizer` is None.

    What the server can do is found out when the engine is made (which must be outside of an event loop); what it
    cannot is told in one line. Log-probabilities are passed on as the server reports them: vLLM's are those of the
    unscaled policy, others may mean the tempered one.
    """

    name = "openai"

    def __init__(self, endpoint: Endpoint, settings: EngineSection) -> None:
        """Raises `InputError` where a tokenizer cannot be had, `EndpointError` where the server cannot be used."""
        if not isinstance(endpoint, Endpoint):
            raise InputError("the engine 'openai' asks servers: give a URL such as http://127.0.0.1:8000/v1")
        tokenizer: Any = None
        if settings.tokenizer:
            tokenizer = load_tokenizer(locate(settings.tokenizer, weights=False), settings.chat_template)
        self._dialect, self.context_length = asyncio.run(_get_acquainted(endpoint, settings, tokenizer))
        self.tokenizer = tokenizer if self._dialect.tokens else None
        self._client = open_client(endpoint.url, settings)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def generate(self, request: Request) -> Completion:
        """Raises `EndpointError` when the server fails or filters the answer, and `InputError` for token ids that
        leave no room in the context, or that the server does not take."""
        self._loop = asyncio.get_running_loop()
        if not self._dialect.tokens and request.messages is None:
            raise InputError("this endpoint takes messages, not token ids")
        if self._dialect.tokens:
            request = within_context(request, self.context_length)
        answer = await self._client.post(self._dialect.path, self._dialect.body(request), request.max_tokens)
        try:
            return self._dialect.completion(answer, request)
        except EndpointError as error:
            raise self._client.harmless(error) from None

    def close(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.run_until_complete(self._client.close())


async def _get_acquainted(
    endpoint: Endpoint, settings: EngineSection, tokenizer: Any
) -> tuple[Dialect, int | None]:
    """The server's dialect and, where it tells it, its context length; prints what it cannot do."""
    missing: list[str] = []
    async with open_client(endpoint.url, settings, quick=True) as client:
        found: Dialect | EndpointError | None = None
        hello = HELLO
        if tokenizer is not None:
            hello = replace(HELLO, prompt_ids=render(tokenizer, HELLO.messages or ()))
            found = await _settled(client, _of_tokens(endpoint, tokenizer), hello)
            if isinstance(found, EndpointError):
                missing.append(
                    f"prompts of token ids: messages are sent, and its own template renders them [{found}]"
                )
        if not isinstance(found, Dialect):
            found = await _settled(client, Dialect(endpoint.name, tokens=False), hello)
        if isinstance(found, EndpointError):
            raise found
        missing += [OPTIONAL[field] for field in OPTIONAL if field in found.refused]
        missing += await _ignored(client, found, hello)
        if missing:
            note(f"endpoint {endpoint.url} does not support {'; '.join(missing)}")
        try:
            return found, (await served_models(client)).get(endpoint.name)
        except EndpointError:
            return found, None  # not every server lists its models


def _of_tokens(endpoint: Endpoint, tokenizer: Any) -> Dialect:
    largest = max(tokenizer.get_vocab().values())
    return Dialect(endpoint.name, tokens=True, vocabulary=largest + 1)


async def _settled(client: JsonClient, dialect: Dialect, hello: Request) -> Dialect | EndpointError:
    """`dialect` without the optional fields that the server refuses, or its error where it does not answer even so."""
    if await _obstacle(client, dialect, hello) is None:
        return dialect
    bare = replace(dialect, refused=dialect.optional)
    if obstacle := await _obstacle(client, bare, hello):
        return obstacle
    for field in sorted(dialect.optional):
        richer = replace(bare, refused=bare.refused - {field})
        if await _obstacle(client, richer, hello) is None:
            bare = richer
    return bare


async def _obstacle(client: JsonClient, dialect: Dialect, hello: Request) -> EndpointError | None:
    """Why the server does not understand this, if so. A server has understood token ids when it counts as many."""
    try:
        answer = await client.post(dialect.path, dialect.body(hello))
    except EndpointError as error:
        if error.status in NOT_UNDERSTOOD:
            return error
        raise
    try:
        usage = dialect.completion(answer, hello).usage
    except EndpointError as error:
        return client.harmless(error)
    if dialect.tokens and (usage is None or usage.prompt_tokens != len(hello.prompt_ids)):
        counted = usage.prompt_tokens if usage else "no"
        return EndpointError(f"it reads {counted} tokens where {len(hello.prompt_ids)} were sent")
    return None


async def _ignored(client: JsonClient, dialect: Dialect, hello: Request) -> list[str]:
    """What the server takes without a word and yet seems to pay no heed to: the temperature, or seeds."""
    requests = [replace(hello, max_tokens=DRAWN_TOKENS, temperature=1.0, seed=seed) for seed in DRAWS]
    try:
        answers = await asyncio.gather(
            *[client.post(dialect.path, dialect.body(request)) for request in requests]
        )
        texts = [dialect.completion(answer, requests[0]).text for answer in answers]
    except EndpointError:
        return []  # a server in such a state shows itself in the work that follows
    if len(set(texts)) == 1:
        return [f"sampling, it seems ({len(texts)} draws at temperature 1 are all the same)"]
    if texts[-1] != texts[-2] and "seed" not in dialect.refused:
        return ["seeds, it seems (two draws with one seed differ)"]
    return []
