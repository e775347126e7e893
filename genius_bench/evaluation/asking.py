"""Hands all prompts of some tasks to an engine at once and stores the answers as they come."""

import asyncio
from collections.abc import Callable, Sequence
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
class AskedTask:
    """A task's prompts, and where their answers go."""

    name: str
    build: Build
    item_ids: list[str]
    temperature: float
    max_tokens: int
    prompts: list[Prompt]
    _prompt_ids: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _shard: list[Row] = field(default_factory=list)
    _failed: list[Row] = field(default_factory=list)

    def missing(self) -> list[Prompt]:
        """What an earlier attempt has not stored."""
        stored = {row["id"] for row in self.build.rows("id")}
        return [prompt for prompt in self.prompts if self._row_id(prompt) not in stored]

    def take(self, row: Row) -> None:
        """Failures are stored last: a killed evaluation tries them again."""
        (self._failed if row["error"] else self._shard).append(row)
        if len(self._shard) == SHARD_ROWS:
            self.store()

    def store(self) -> None:
        """What was answered so far; what was answered before an end is paid for."""
        self._write(self._shard)
        self._shard = []

    def end(self) -> None:
        """Raises `GeniusBenchError` where there was no answer at all."""
        self.store()
        if self._failed and len(self._failed) == len(self.prompts):
            raise GeniusBenchError(
                f"task {self.name}: every request failed; the first: {self._failed[0]['error']}"
            )
        self._write(self._failed)

    async def answer(self, engine: Engine, prompt: Prompt) -> Row:
        """A row. Raises what no other request would fare better with."""
        item_id = self.item_ids[prompt.index]
        seed = seed_of(EVALUATION_SEED, self.name, item_id, prompt.repeat)
        row: Row = {
            "id": self._row_id(prompt),
            "item_id": item_id,
            "repeat": prompt.repeat,
            "seed": seed,
            "prompt": "",
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
            "prompt": self._shown(engine, request) if prompt.repeat == self.prompts[0].repeat else "",
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

    def _shown(self, engine: Engine, request: Request) -> str:
        """What the model reads, for people: with the template around it; messages where the server has the template."""
        if engine.tokenizer is None:
            return "\n\n".join(f"{one['role']}: {one['content']}" for one in request.messages or ())
        return str(engine.tokenizer.decode(request.prompt_ids, clean_up_tokenization_spaces=False))

    def _row_id(self, prompt: Prompt) -> str:
        return f"{self.item_ids[prompt.index]}/{prompt.repeat}"

    def _write(self, rows: list[Row]) -> None:
        self.build.write_shard(
            rows,
            prompt_tokens=sum(row["prompt_tokens"] for row in rows),
            tokens_sampled=sum(row["tokens"] for row in rows),
        )


def ask(engine: LazyEngine, tasks: Sequence[AskedTask], title: str) -> None:
    """Answers the prompts of all tasks, those aside that an earlier attempt has stored.

    Raises `GeniusBenchError` where all requests of a task failed, and what ends an engine.
    """
    missing = [(task, prompt) for task in tasks for prompt in task.missing()]
    if missing:
        opened, runner = engine.start()
        total = sum(len(task.prompts) for task in tasks)
        with progress(title, total, "answers", total - len(missing)) as advance:
            runner.run(_ask_all(opened, missing, advance))
    for task in tasks:
        task.end()


async def _ask_all(
    engine: Engine, missing: list[tuple[AskedTask, Prompt]], advance: Callable[[int], None]
) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT * getattr(engine, "workers", 1))
    # Alike in length, they waste no padding on each other.
    by_length = sorted(missing, key=lambda one: _length(one[1]), reverse=True)

    async def answer(task: AskedTask, prompt: Prompt) -> None:
        async with gate:
            row = await task.answer(engine, prompt)
        task.take(row)
        advance(1)

    answers = [asyncio.ensure_future(answer(task, prompt)) for task, prompt in by_length]
    try:
        for finished in asyncio.as_completed(answers):
            await finished
    except BaseException:
        for task in {task.name: task for task, _ in missing}.values():
            task.store()
        raise
    finally:
        for one in answers:
            one.cancel()
        await asyncio.gather(*answers, return_exceptions=True)


def _length(prompt: Prompt) -> int:
    return sum(len(message["content"]) for message in prompt.messages)
