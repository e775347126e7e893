"""Judges behind an OpenAI-compatible endpoint: one chat completion a judgement."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from genius_bench import http_client
from genius_bench.http_answers import AnswerError, Json, read_chat
from genius_bench.http_client import EndpointError, JsonClient, check_url
from genius_bench.judging.replies import Prompt, Reply
from genius_bench.recipe import JudgeSection

ABOUT_PROMPT = {400, 403, 413, 422}
"""Refusals that another prompt need not meet: too long, or stopped by a content filter."""
SECRET_LENGTH = 8
"""Shorter keys ("EMPTY") are placeholders: blotting them out would spoil ordinary words."""
NEWER_LIMIT = "max_completion_tokens"
"""What the newer models call `max_tokens`; they refuse the old name."""


class Endpoint:
    """A judge at `section.url`. Its identity is address, model and sampling settings, never the key.

    Raises `InputError` for an address that cannot be used.
    """

    def __init__(self, section: JudgeSection) -> None:
        assert section.model is not None, "open_judge has looked"
        assert section.url is not None, "open_judge has looked"
        self.name: str = section.model
        self.identity: dict[str, Any] = {
            "kind": "endpoint",
            "url": check_url(section.url),
            "model": section.model,
            "temperature": section.temperature,
            "max_tokens": section.max_tokens,
        }
        self._section = section
        self._limit_name = "max_tokens"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Callable[[Prompt], Awaitable[Reply]]]:
        """A function that asks, at most `concurrency` requests at a time; it never raises for what a server does."""
        section = self._section
        async with JsonClient(
            self.identity["url"],
            section.key_variable,
            section.timeout_seconds,
            section.tries,
            section.concurrency,
        ) as client:
            yield partial(self._ask, client)

    def close(self) -> None:
        """Nothing outlives `opened`."""

    async def _ask(self, client: JsonClient, prompt: Prompt) -> Reply:
        """The client tries again after faults of transport; here, after an answer that holds no completion."""
        answer: Json = {}
        for attempt in range(self._section.tries):
            if attempt:
                await asyncio.sleep(http_client.FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            try:
                answer = await self._post(client, prompt)
            except EndpointError as error:
                return Reply(error=self._explained(error), about_prompt=error.status in ABOUT_PROMPT)
            with suppress(AnswerError):
                chat = read_chat(answer)
                return Reply(**chat._replace(text=self._without_key(chat.text))._asdict())
        said = client.harmless(EndpointError(f"no completion in the answer: {answer}"))
        return Reply(error=f"endpoint {client.base_url}: {said}")

    async def _post(self, client: JsonClient, prompt: Prompt) -> Json:
        limit_name = self._limit_name
        body = {
            "model": self.name,
            "messages": [{"role": message["role"], "content": message["content"]} for message in prompt],
            "temperature": self._section.temperature,
            limit_name: self._section.max_tokens,
        }
        try:
            return await client.post("/chat/completions", body, self._section.max_tokens)
        except EndpointError as error:
            if error.status != 400 or limit_name == NEWER_LIMIT or NEWER_LIMIT not in str(error):
                raise
        self._limit_name = NEWER_LIMIT
        return await self._post(client, prompt)

    def _explained(self, error: EndpointError) -> str:
        if error.status != 401:
            return str(error)
        variable = self._section.key_variable
        return f"{error} (the key is read from ${variable}, which {'is' if os.environ.get(variable) else 'is not'} set)"

    def _without_key(self, text: str) -> str:
        """Servers may echo what they were sent: nothing with the key in it is stored."""
        key = os.environ.get(self._section.key_variable, "").strip()
        return text.replace(key, "***") if len(key) >= SECRET_LENGTH else text
