"""Hands all prompts of a task to an engine at once and stores the answers as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from genius_bench.artifacts import Build
from genius_bench.engines.interface import Engine, Request
from genius_bench.engines.rendering import render
from genius_bench.errors import EngineLostError, GeniusBenchError
from genius_bench.http_client import EndpointError
from genius_bench.progress import progress
from genius_bench.rows import Message
from genius_bench.seeds import seed_of

SHARD_ROWS = 256
IN_FLIGHT = 1024
"""Requests at a time, for every worker that an engine is spread over."""
OUT_OF_ORDER = (None, 401, 403)
"""HTTP statuses (None: no answer at all) that no other request will fare better with: the evaluation ends, and goes on
when it is started again."""
EVALUATION_SEED = 0
"""Part of every request's seed and the same for every checkpoint, so that checkpoints meet the same dice."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """One answer wanted: the `repeat`-th to the item at `index`."""

    index: int
    repeat: int
    messages: tuple[Message, ...]
    stop: tuple[str, ...]


class LazyEngine:
    """The engine, started only when an answer is missing, and the event loop that it lives in."""

    def __init__(self, factory: Callable[[], Engine]) -> None:
        self._factory = factory
        self._engine: Engine | None = None
        self._runner: asyncio.Runner | None = None

    def start(self) -> tuple[Engine, asyncio.Runner]:
        if self._engine is None or self._runner is None:
            self._engine, self._runner = self._factory(), asyncio.Runner()
        return self._engine, self._runner

    def close(self) -> None:
        """May be called more than once."""
        if self._engine is not None:
            self._engine.close()
        if self._runner is not None:
            self._runner.close()
        self._engine = self._runner = None


@dataclass
class Asker:
    """Answers the prompts of one task: what an earlier attempt stored is reused, the rest is generated."""

    engine: LazyEngine
    build: Build
    task: str
    item_ids: list[str]
    temperature: float
    max_tokens: int
    title: str
    _prompt_ids: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def __call__(self, prompts: list[Prompt]) -> list[str]:
        texts = {row["id"]: str(row["text"]) for row in self.build.rows()}
        missing = [prompt for prompt in prompts if self._row_id(prompt) not in texts]
        if missing:
            engine, runner = self.engine.start()
            with progress(self.title, len(prompts), "answers", len(prompts) - len(missing)) as advance:
                for row in runner.run(self._ask_all(engine, missing, len(prompts), advance)):
                    texts[row["id"]] = row["text"]
        return [texts[self._row_id(prompt)] for prompt in prompts]

    async def _ask_all(
        self, engine: Engine, prompts: list[Prompt], total: int, advance: Callable[[int], None]
    ) -> list[Row]:
        rows: list[Row] = []
        failed: list[Row] = []
        shard: list[Row] = []
        try:
            async for row in self._answers(engine, prompts):
                advance(1)
                if row["error"]:  # stored last: a killed evaluation tries them again
                    failed.append(row)
                    continue
                shard.append(row)
                if len(shard) == SHARD_ROWS:
                    self._store(shard)
                    rows += shard
                    shard = []
        except BaseException:  # what was answered before the end is paid for
            self._store(shard)
            raise
        if len(failed) == len(prompts) == total:
            raise GeniusBenchError(f"task {self.task}: every request failed; the first: {failed[0]['error']}")
        self._store(shard + failed)
        return rows + shard + failed

    async def _answers(self, engine: Engine, prompts: list[Prompt]) -> AsyncIterator[Row]:
        gate = asyncio.Semaphore(IN_FLIGHT * getattr(engine, "workers", 1))
        by_length = sorted(
            prompts, key=_length, reverse=True
        )  # alike in length, they waste no padding on each other
        tasks = [asyncio.ensure_future(self._answer(engine, gate, prompt)) for prompt in by_length]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, engine: Engine, gate: asyncio.Semaphore, prompt: Prompt) -> Row:
        item_id = self.item_ids[prompt.index]
        seed = seed_of(EVALUATION_SEED, self.task, item_id, prompt.repeat)
        row: Row = {
            "id": self._row_id(prompt),
            "item_id": item_id,
            "repeat": prompt.repeat,
            "seed": seed,
            "prompt_digest": "",
            "prompt_tokens": 0,
            "token_ids": [],
            "tokens": 0,
            "text": "",
            "finish_reason": "error",
            "mean_logprob": 0.0,
            "entropy": None,
            "error": "",
        }
        async with gate:
            try:
                request = Request(
                    prompt_ids=self._render(engine, prompt) if engine.tokenizer is not None else (),
                    messages=prompt.messages if engine.tokenizer is None else None,
                    max_tokens=self.max_tokens,
                    seed=seed,
                    temperature=self.temperature if prompt.repeat else 0.0,
                    stop=prompt.stop,
                    entropies=True,
                )
                completion = await engine.generate(request)
            except EndpointError as error:
                if error.status in OUT_OF_ORDER:
                    raise
                return row | {"error": str(error)[:500]}
            except EngineLostError:
                raise
            except Exception as error:  # a record, never the end of the other answers
                return row | {"error": f"{type(error).__name__}: {error}"[:500]}
        logprobs, usage = completion.logprobs, completion.usage
        asked = repr(request.messages or request.prompt_ids)
        return row | {
            "prompt_digest": blake2b(asked.encode(), digest_size=8).hexdigest(),
            "prompt_tokens": usage.prompt_tokens if usage else len(request.prompt_ids),
            "token_ids": list(completion.token_ids),
            "tokens": completion.completion_tokens,
            "text": completion.text,
            "finish_reason": completion.finish_reason,
            "mean_logprob": sum(logprobs) / len(logprobs) if logprobs else 0.0,
            "entropy": sum(entropies) if (entropies := completion.entropies) else None,
        }

    def _render(self, engine: Engine, prompt: Prompt) -> tuple[int, ...]:
        """Once an item: its repeats share the prompt."""
        if prompt.index not in self._prompt_ids:
            self._prompt_ids[prompt.index] = render(engine.tokenizer, prompt.messages)
        return self._prompt_ids[prompt.index]

    def _row_id(self, prompt: Prompt) -> str:
        return f"{self.item_ids[prompt.index]}/{prompt.repeat}"

    def _store(self, rows: list[Row]) -> None:
        self.build.write_shard(
            rows,
            prompt_tokens=sum(row["prompt_tokens"] for row in rows),
            tokens_sampled=sum(row["tokens"] for row in rows),
        )


def _length(prompt: Prompt) -> int:
    return sum(len(message["content"]) for message in prompt.messages)
