"""A judge: asked many prompts at once, pays for none twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.judging.cache import Cache
from genius_bench.judging.client import Endpoint
from genius_bench.judging.cost import check_cost, estimate, price
from genius_bench.judging.local import LocalModel
from genius_bench.judging.replies import Prompt, Reply, prompt_digest
from genius_bench.progress import Advance, progress
from genius_bench.recipe import EngineSection, JudgeSection

FAILURES_IN_A_ROW = 20
"""After so many a judge counts as out of order, and asking ends."""


class Source(Protocol):
    """Where judgements come from when they are not stored."""

    name: str
    identity: dict[str, Any]

    def opened(self) -> AbstractAsyncContextManager[Callable[[Prompt], Awaitable[Reply]]]: ...

    def close(self) -> None: ...


class Judge(Protocol):
    """Who compares or rates answers. `name` is part of every metric; `identity` is all that determines a reply."""

    name: str
    identity: dict[str, Any]
    both_orders: bool

    async def ask(self, prompts: Sequence[Prompt], announce: Callable[[str], None]) -> list[Reply]:
        """One reply a prompt, in their order. `announce` is told what it may cost before anything is spent."""

    def close(self) -> None: ...


class StoringJudge:
    """A source behind the store of its judgements."""

    def __init__(self, source: Source, home: Path, section: JudgeSection) -> None:
        self.name = source.name
        self.identity = source.identity
        self.both_orders = section.both_orders
        self._source = source
        self._section = section
        self._cache = Cache(home, source.name, source.identity)
        self._spent = 0.0

    async def ask(self, prompts: Sequence[Prompt], announce: Callable[[str], None]) -> list[Reply]:
        """Raises `InputError` above `max_cost`, `GeniusBenchError` where the judge is out of order.

        Equal prompts are asked once. What was answered before an error, a kill or Ctrl-C stays stored.
        """
        digests = [prompt_digest(prompt) for prompt in prompts]
        wanted = dict(zip(digests, prompts, strict=True))
        stored = self._cache.read()
        replies = {digest: stored[digest] for digest in wanted if digest in stored}
        missing = {digest: prompt for digest, prompt in wanted.items() if digest not in replies}
        if missing:
            self._agree_on_cost(list(missing.values()), announce)
            replies |= await self._ask_missing(missing, len(replies), announce)
        return [replies[digest] for digest in digests]

    def close(self) -> None:
        """Gives back the memory of a local model."""
        self._source.close()

    def _agree_on_cost(self, prompts: list[Prompt], announce: Callable[[str], None]) -> None:
        expected = estimate(prompts, self._section)
        check_cost(expected, self._spent, self._section)
        announce(f"judge {self.name}: {expected}")

    async def _ask_missing(
        self, missing: dict[str, Prompt], stored: int, announce: Callable[[str], None]
    ) -> dict[str, Reply]:
        replies: dict[str, Reply] = {}
        guard = Guard(self.name, answered=stored)

        async def ask_one(digest: str, prompt: Prompt, ask: Callable[[Prompt], Awaitable[Reply]]) -> None:
            reply = await ask(prompt)
            if not reply.error:
                self._cache.store(digest, reply, announce)
                self._spent += price(reply.prompt_tokens, reply.completion_tokens, self._section) or 0.0
            replies[digest] = reply
            advance(1)
            guard.watch(reply)

        self._cache.open()
        advance: Advance
        try:
            with progress(f"judge {self.name}", stored + len(missing), "judgements", stored) as advance:
                async with self._source.opened() as ask:
                    await together(ask_one(digest, prompt, ask) for digest, prompt in missing.items())
        finally:
            self._cache.close()
        guard.end()
        return replies


class Guard:
    """Ends the asking when a judge is out of order, so that no night is spent on waiting for it."""

    def __init__(self, name: str, answered: int) -> None:
        self._name = name
        self._answered = answered
        self._in_a_row = 0
        self._first_reason = ""

    def watch(self, reply: Reply) -> None:
        """Counts failures in a row; a single prompt's own fault counts only while nothing has been answered."""
        if not reply.error:
            self._answered += 1
            self._in_a_row = 0
            self._first_reason = ""
        elif not (reply.about_prompt and self._answered):
            self._in_a_row += 1
            self._first_reason = self._first_reason or reply.error
            if self._in_a_row == FAILURES_IN_A_ROW:
                self._give_up(f"{FAILURES_IN_A_ROW} requests in a row failed")

    def end(self) -> None:
        """Raises `GeniusBenchError` when not one request was answered."""
        if not self._answered:
            self._give_up("every request failed")

    def _give_up(self, what: str) -> None:
        kept = f"; {self._answered} judgements are kept, run again to continue" if self._answered else ""
        raise GeniusBenchError(f"judge {self._name}: {what}; the first: {self._first_reason}{kept}")


async def together(coroutines: Iterable[Awaitable[None]]) -> None:
    """All at once; the first error ends the others."""
    tasks = [asyncio.ensure_future(one) for one in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def open_judge(section: JudgeSection, home: Path, engine_settings: EngineSection) -> Judge:
    """The judge that the recipe names, behind the store under `home`. Raises `InputError` where there is none."""
    if section.model is None:
        raise InputError("no judge: name one with --judge (and --judge-url)")
    source: Source
    try:
        source = Endpoint(section) if section.url else LocalModel(section, engine_settings)
    except InputError as error:
        hint = "" if section.url else "; a judge that a server runs needs --judge-url as well"
        raise InputError(f"judge '{section.model}': {error}{hint}") from error
    return StoringJudge(source, home, section)
