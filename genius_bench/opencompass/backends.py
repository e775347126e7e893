"""Who answers OpenCompass' requests: the checkpoint's server, and the judge."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

from genius_bench.engines.background import BackgroundLoop
from genius_bench.engines.endpoint import Endpoint, open_client
from genius_bench.engines.loading import ModelFiles, context_of, end_tokens, load_tokenizer
from genius_bench.engines.rendering import render
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.http_answers import AnswerError, read_chat
from genius_bench.http_client import EndpointError, JsonClient
from genius_bench.integrity import digest_of
from genius_bench.judging.judge import Judge
from genius_bench.judging.replies import Prompt, Reply
from genius_bench.opencompass.relay import Answer, Unusable
from genius_bench.opencompass.serving import ENDPOINT, Server, neutral_generation
from genius_bench.recipe import EngineSection
from genius_bench.seeds import seed_of

HOPELESS = (401, 403, 404)
"""HTTP statuses that every other request would meet too."""
TIMEOUT_SECONDS = 3600.0
TRIES = 3
SEEDS = 2**31
"""Servers take seeds of 32 or 64 bits, some of them signed."""
GATHERING_SECONDS = 0.1
"""How long questions to the judge are gathered before they are put to it together."""
BAD_BATCHES = 3
"""After so many failures in a row the judge counts as out of order."""

Json = dict[str, Any]


class Checkpoint:
    """Asks the checkpoint's server. The seed of a request depends on what is asked and nothing else; answers end within
    `max_tokens`, OpenCompass' own limit and the model's context; a prompt that leaves no room there is an error."""

    def __init__(
        self, server: Server, model: ModelFiles | Endpoint, engine: EngineSection, task: str, max_tokens: int
    ) -> None:
        self._server = server
        self._max_tokens = max_tokens
        self._task = task
        self._context: int | None = None
        if isinstance(model, ModelFiles):
            self._context = context_of(model)
            self._tokenizer = load_tokenizer(model.path, engine.chat_template)
            self._ends = end_tokens(model.path, self._tokenizer)
            self._generation = neutral_generation(self._ends, self._tokenizer.pad_token_id)
        self._tokenizing = threading.Lock()
        self._loop = BackgroundLoop()
        self._client = self._loop.run(_client(server, engine))

    def __call__(self, body: Json) -> Answer:
        try:
            limit = self._room(body)
        except InputError as error:
            return Answer(error=str(error))
        try:
            chat = read_chat(
                self._loop.run(self._client.post("/chat/completions", self._request(body, limit), limit))
            )
        except AnswerError as error:
            return Answer(error=f"endpoint {self._server.url}: {error}")
        except EndpointError as error:
            if error.status is None or error.status in HOPELESS:
                raise Unusable(str(error)) from error
            return Answer(error=str(error))
        return Answer(text=chat.text, finish_reason=chat.finish_reason, tokens=chat.completion_tokens)

    def close(self) -> None:
        self._loop.run(self._client.close())
        self._loop.close()

    def _room(self, body: Json) -> int:
        """Tokens that the answer may have. Raises `InputError` when there is no room for one."""
        wanted = min(int(body["max_tokens"]), self._max_tokens)
        if self._context is None:
            return wanted
        with self._tokenizing:  # a tokenizer is for one thread at a time
            asked = len(render(self._tokenizer, body["messages"]))
        if asked >= self._context:
            raise InputError(
                f"a prompt of {asked} tokens does not fit the model's context of {self._context}"
            )
        return min(wanted, self._context - asked)

    def _request(self, body: Json, limit: int) -> Json:
        request = {"model": self._server.model, "messages": body["messages"]}
        temperature = float(body["temperature"])
        seed = seed_of("opencompass", self._task, body["model"], digest_of(body["messages"])) % SEEDS
        if self._server.kind == "transformers":
            return request | {"seed": seed, "generation_config": self._generation(temperature, limit)}
        if (
            self._server.kind == "vllm"
        ):  # which knows the model's configuration, and no template's end of turn
            request |= {"stop_token_ids": sorted(self._ends)}
        return request | {"seed": seed, "temperature": temperature, "top_p": 1.0, "max_tokens": limit}


async def _client(server: Server, engine: EngineSection) -> JsonClient:
    if server.kind == ENDPOINT:
        return open_client(server.url, engine)
    return JsonClient(server.url, "", TIMEOUT_SECONDS, TRIES, server.concurrency)


class JudgeDesk:
    """Puts OpenCompass' questions to the harness' own judge, many at a time: judgements are stored, paid for once and
    held within the budget, as everywhere else."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._loop = BackgroundLoop()
        self._waiting: list[tuple[Prompt, Future[Reply]]] = []
        self._lock = threading.Lock()
        self._turn = asyncio.Lock()
        self._answered = 0
        self._bad_batches = 0

    def __call__(self, body: Json) -> Answer:
        future: Future[Reply] = Future()
        with self._lock:
            self._waiting.append((body["messages"], future))
            if len(self._waiting) == 1:
                self._loop.start(self._ask())
        reply = future.result()
        return Answer(
            text=reply.text,
            finish_reason=reply.finish_reason,
            tokens=reply.completion_tokens,
            error=reply.error,
        )

    def close(self) -> None:
        self._loop.close()

    async def _ask(self) -> None:
        async with self._turn:  # what comes in meanwhile is put to the judge next
            await asyncio.sleep(GATHERING_SECONDS)
            with self._lock:
                batch, self._waiting = self._waiting, []
            try:
                replies = await self._judge.ask([prompt for prompt, _ in batch], lambda text: None)
            except GeniusBenchError as error:
                self._failed(batch, error)
                return
            except Exception as error:  # whoever waits must be told
                self._all(batch, Unusable(f"{type(error).__name__}: {error}"))
                return
            self._answered += sum(not reply.error for reply in replies)
            self._bad_batches = 0
            for (_, future), reply in zip(batch, replies, strict=True):
                future.set_result(reply)

    def _failed(self, batch: list[tuple[Prompt, "Future[Reply]"]], error: GeniusBenchError) -> None:
        """A few questions may all fail for reasons of their own; where that goes on, the judge is out of order."""
        self._bad_batches += 1
        if isinstance(error, InputError) or not self._answered or self._bad_batches == BAD_BATCHES:
            self._all(batch, Unusable(str(error)))
            return
        for _, future in batch:
            future.set_result(Reply(error=str(error)))

    @staticmethod
    def _all(batch: list[tuple[Prompt, "Future[Reply]"]], error: Unusable) -> None:
        for _, future in batch:
            future.set_exception(error)
