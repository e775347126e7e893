"""The policy as a method sees it: something to ask for continuations, each with a seed of its own."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.engines.rendering import render
from genius_bench.rows import Message
from genius_bench.sampling.pool import Pool
from genius_bench.seeds import seed_of


class Policy:
    """An engine bound to one run and iteration. Counts the tokens that it samples, judges with and reads."""

    def __init__(self, engine: Engine, seed: int, iteration: int = 1, pool: Pool | None = None) -> None:
        self.seed = seed
        self.iteration = iteration
        self._engine = engine
        self._pool = pool
        self._counts: Counter[str] = Counter()

    def take_counts(self) -> dict[str, int]:
        """The tokens since the last call, by what they were for; what was pooled meanwhile is on disk then.

        Tokens that came out of the pool count as sampled, since the method needs them, and as reused.
        """
        if self._pool:
            self._pool.store()
        counts, self._counts = dict(self._counts), Counter()
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
        """Tokens as text, without special tokens."""
        text: str = self.tokenizer.decode(list(token_ids), skip_special_tokens=True)
        return text

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
    ) -> Completion:
        """One continuation. `draw` names it (query, step, rollout, …): the same name draws the same tokens.

        With `pooled` it is looked up among what this policy was asked in earlier runs, and kept for later ones.
        """
        request = Request(
            prompt_ids=tuple(prompt_ids),
            max_tokens=max_tokens,
            seed=seed_of(self.seed, *draw),
            temperature=temperature,
            top_p=top_p,
            stop=tuple(string for string in stop if string),
        )
        pool = self._pool if pooled else None
        completion = pool.find(request) if pool else None
        if completion is not None:
            self._counts["tokens_reused"] += len(completion.token_ids)
        else:
            completion = await self._engine.generate(request)
            if pool:
                pool.add(request, completion)
        self._counts[f"tokens_{purpose}"] += len(completion.token_ids)
        self._counts["tokens_read"] += len(request.prompt_ids)
        return completion
