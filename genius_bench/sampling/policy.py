"""The policy as a method sees it: something to ask for continuations, each with a seed of its own."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from genius_bench.engines.interface import Completion, Continuation, Engine, Request, RereadingEngine
from genius_bench.engines.rendering import render
from genius_bench.rows import Message
from genius_bench.sampling.pool import Pool, name_of
from genius_bench.seeds import seed_of

if TYPE_CHECKING:
    from genius_bench.method import Collected


class Policy:
    """An engine bound to one run and iteration. Counts the tokens that it samples, judges with and reads."""

    def __init__(self, engine: Engine, seed: int, iteration: int = 1, pool: Pool | None = None) -> None:
        self.seed = seed
        self.iteration = iteration
        self.earlier: tuple[Collected, ...] = ()
        """What earlier iterations made of the query, first to last, for methods that build on it."""
        self._engine = engine
        self._pool = pool
        self._counts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[Any] | None] = set()
        self._texts: dict[tuple[int, ...], str] = {}

    def for_one_query(self, earlier: "tuple[Collected, ...]" = ()) -> "Policy":
        """The same policy and counts, with requests of its own: see `abandon`. Called where an event loop runs."""
        own = copy(self)
        own.earlier = earlier
        own._loop, own._asking, own._texts = asyncio.get_running_loop(), set(), {}
        return own

    def abandon(self) -> None:
        """Gives up what is still being asked: a query that ends every worker must not be tried eight times at once."""
        for task in self._asking:
            if task is not None:
                task.cancel()

    def take_counts(self) -> dict[str, int]:
        """The tokens since the last call, by what they were for; what was pooled meanwhile is on disk then.

        Tokens that came out of the pool count as sampled, since the method needs them, and as reused.
        """
        if self._pool:
            self._pool.store()
        counts = dict(self._counts)
        self._counts.clear()
        return counts

    @property
    def tokenizer(self) -> Any:
        return self._engine.tokenizer

    @property
    def context_length(self) -> int | None:
        return self._engine.context_length

    def prompt(self, messages: Sequence[Message], answer_prefix: str = "") -> tuple[int, ...]:
        return render(self.tokenizer, messages, answer_prefix)

    def text(self, token_ids: Sequence[int]) -> str:
        """Tokens as text, without special tokens. Methods ask more than once, so a query's texts are remembered."""
        ids = tuple(token_ids)
        if ids not in self._texts:
            self._texts[ids] = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return self._texts[ids]

    async def sample(
        self,
        prompt_ids: Sequence[int],
        *,
        draw: tuple[str | int, ...],
        max_tokens: int,
        temperature: float,
        top_p: float = 1.0,
        stop: tuple[str, ...] = (),
        purpose: Literal["sampled", "judged"] = "sampled",
        pooled: bool = False,
        then: Continuation | None = None,
        certainties: bool = False,
        entropies: bool = False,
    ) -> Completion:
        """One continuation. `draw` names it (query, step, rollout, …): the same name draws the same tokens.

        With `pooled` it is looked up among what this policy was asked in earlier runs, and kept for later ones. `then`
        is what will be asked next, which the engine may answer at once (`Request.then`). `certainties` asks for
        `Completion.certainties`, which cost another reading of it where the pool or the engine has none; `entropies`
        for those, where the engine tells them.
        """
        request = Request(
            prompt_ids=tuple(prompt_ids),
            max_tokens=max_tokens,
            seed=seed_of(self.seed, *draw),
            temperature=temperature,
            top_p=top_p,
            stop=_without_empty(stop),
            then=then,
            certainties=certainties,
            entropies=entropies,
        )
        completion = await (
            self._look_up(request, self._pool) if self._pool and pooled else self._ask(request)
        )
        if certainties and not completion.certainties:
            assert isinstance(self._engine, RereadingEngine)  # `open_sampler` sees to it
            completion = await self._engine.reread(request, completion)
        self._count(purpose, completion, len(request.prompt_ids))
        if completion.then is not None:
            # As if it had been asked for by itself: costs are those of the method, whatever the engine saves.
            self._count(purpose, completion.then, len(request.prompt_ids) + len(completion.token_ids))
        return completion

    def continuation(
        self, *, draw: tuple[str | int, ...], max_tokens: int, temperature: float, stop: tuple[str, ...] = ()
    ) -> Continuation:
        """What will be asked after a request: for `sample(then=…)`, or for `go_on` where the engine did not."""
        return Continuation(
            max_tokens=max_tokens,
            seed=seed_of(self.seed, *draw),
            temperature=temperature,
            stop=_without_empty(stop),
        )

    async def go_on(
        self, prompt_ids: Sequence[int], continuation: Continuation, *, top_p: float = 1.0
    ) -> Completion:
        """The continuation as a request of its own."""
        request = Request(prompt_ids=tuple(prompt_ids), top_p=top_p, **vars(continuation))
        completion = await self._ask(request)
        self._count("sampled", completion, len(request.prompt_ids))
        return completion

    def _count(self, purpose: str, completion: Completion, prompt_tokens: int) -> None:
        self._counts[f"tokens_{purpose}"] += len(completion.token_ids)
        self._counts["tokens_read"] += prompt_tokens

    async def _look_up(self, request: Request, pool: Pool) -> Completion:
        name = name_of(request)
        completion = pool.find(name)
        if completion is None:
            completion = await self._ask(request)
            pool.add(name, replace(completion, then=None))
        else:
            self._counts["tokens_reused"] += len(completion.token_ids)
        return completion

    async def _ask(self, request: Request) -> Completion:
        if self._loop is None:
            return await self._engine.generate(request)
        task = asyncio.current_task(self._loop)  # which asks the system, where it is not told the loop
        self._asking.add(task)
        try:
            return await self._engine.generate(request)
        finally:
            self._asking.discard(task)


def _without_empty(stop: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(string for string in stop if string)
