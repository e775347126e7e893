"""The `hf` engine: any causal language model that transformers loads, on CPU or GPU, decoded in a rolling batch."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

from genius_bench.engines.batch import Row, RunningBatch
from genius_bench.engines.continuing import Continuing
from genius_bench.engines.grouped_attention import sharing_heads
from genius_bench.engines.interface import Completion, Request, within_context
from genius_bench.engines.loading import end_tokens, load_model, load_tokenizer
from genius_bench.engines.rereading import known_tokens, reread
from genius_bench.engines.stopping import Stopping
from genius_bench.recipe import EngineSection

# Rows are exchanged when this share of the batch has finished or could join: an exchange copies the cache, and
# copying it for every single row would cost more than it saves.
EXCHANGE_SHARE = 0.25


class HFEngine:
    """Decoding runs inside the caller's event loop, so a run is deterministic and needs no thread."""

    name = "hf"
    checks_weights = True
    """While they are loaded (`load_model`): nobody need read them for that before."""

    def __init__(self, model_path: Path | str, settings: EngineSection, model: Any = None) -> None:
        """With `model`, that of the folder with whatever weights it has when it is asked: one that is being trained."""
        self.tokenizer: Any = load_tokenizer(model_path, settings.chat_template)
        self.model: Any = model
        if model is None:
            self.model = load_model(model_path, device=settings.device, precision=settings.precision)
        self._stopping = Stopping(self.tokenizer, end_tokens(model_path, self.tokenizer))
        self._vocabulary = known_tokens(self.tokenizer)
        self._limit, self._limit_tokens = settings.max_batch, settings.max_batch_tokens
        self.context_length: int | None = getattr(self.model.config, "max_position_embeddings", None)
        self._waiting: deque[Row] = deque()
        self._decoding: asyncio.Task[None] | None = None

    async def generate(self, request: Request) -> Completion:
        """Raises `InputError` when the prompt leaves no room for an answer in the model's context."""
        loop = asyncio.get_running_loop()
        room = None if self.context_length is None else self.context_length - len(request.prompt_ids)
        request = within_context(request, self.context_length)
        row = Row(Continuing(request, self._stopping), loop.create_future(), room)
        self._waiting.append(row)
        if self._decoding is None or self._decoding.done():
            self._decoding = loop.create_task(self._decode())
        return await row.result

    async def reread(self, request: Request, completion: Completion) -> Completion:
        return reread(self.model, self._vocabulary, request, completion)

    def close(self) -> None:
        self._waiting.clear()
        self.model = None

    async def _decode(self) -> None:
        pad = self.tokenizer.pad_token_id
        pad = 0 if pad is None else pad
        batch = RunningBatch(self.model, pad, self.context_length, self._vocabulary)
        arrivals: list[Row] = []
        try:
            with sharing_heads(self.model):
                while True:
                    await _let_others_submit()
                    if self._should_exchange(batch):
                        arrivals = self._admitted(batch)
                        batch.exchange(arrivals)
                        arrivals = []
                    if batch.rows:
                        batch.step()
                    elif not self._waiting:
                        return
        except BaseException as error:
            for row in [*batch.rows, *arrivals, *self._waiting]:
                if not row.result.done():
                    row.result.set_exception(error)
            self._waiting.clear()
            if not isinstance(error, Exception):
                raise

    def _admitted(self, batch: RunningBatch) -> list[Row]:
        """Those of the waiting rows that there is room for, oldest first; one at least where nothing is going on.

        All rows are as wide as the widest, so rows × width is what they take.
        """
        staying = [row for row in batch.rows if not row.finished]
        width = max((row.length for row in staying), default=0)
        admitted: list[Row] = []
        while self._waiting and len(staying) + len(admitted) < self._limit:
            row = self._waiting[0]
            width = max(width, row.length)
            rows = len(staying) + len(admitted) + 1
            if rows > 1 and rows * width > self._limit_tokens:
                break
            self._waiting.popleft()
            if not row.result.cancelled():
                admitted.append(row)
        return admitted

    def _should_exchange(self, batch: RunningBatch) -> bool:
        unfinished = batch.unfinished
        if unfinished == 0:
            return bool(self._waiting or batch.rows)
        finished = len(batch.rows) - unfinished
        could_join = min(self._limit - unfinished, len(self._waiting))
        if could_join and not finished:  # there are places, but perhaps no memory for more tokens
            width = max(row.length for row in [*batch.rows, self._waiting[0]])
            could_join = min(could_join, self._limit_tokens // width - unfinished)
        return max(finished, could_join) >= EXCHANGE_SHARE * max(len(batch.rows), 1)


async def _let_others_submit() -> None:
    """A finished request wakes its coroutine, which may ask for more after a few turns of the event loop."""
    for _ in range(4):
        await asyncio.sleep(0)
