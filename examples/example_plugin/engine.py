"""An engine: one request after the other, a token at a time, through transformers."""

import asyncio
from pathlib import Path
from typing import Any

import torch

from genius_bench.engines.interface import Completion, Request, within_context
from genius_bench.engines.loading import end_tokens, load_model, load_tokenizer
from genius_bench.engines.stopping import Stopping
from genius_bench.recipe import EngineSection


class ExamplePlain:
    name = "example-plain"
    checks_weights = True
    """`load_model` does; an engine that reads weights by itself leaves this out, and they are checked before."""

    def __init__(self, model_path: Path | str, settings: EngineSection) -> None:
        self.tokenizer: Any = load_tokenizer(model_path, settings.chat_template)
        self.model: Any = load_model(model_path, device=settings.device, precision=settings.precision)
        self.context_length: int | None = getattr(self.model.config, "max_position_embeddings", None)
        self._stopping = Stopping(self.tokenizer, end_tokens(Path(model_path), self.tokenizer))

    async def generate(self, request: Request) -> Completion:
        request = within_context(request, self.context_length)
        random = torch.Generator().manual_seed(request.seed % 2**63)
        unread, cache = list(request.prompt_ids), None
        token_ids: list[int] = []
        logprobs: list[float] = []
        reason = None
        while reason is None:
            with torch.inference_mode():
                ids = torch.tensor([unread], device=self.model.device)
                read = self.model(input_ids=ids, past_key_values=cache, use_cache=True)
            cache, logits = read.past_key_values, read.logits[0, -1].float().cpu()
            token = choose(logits, request.temperature, request.top_p, random)
            token_ids.append(token)
            logprobs.append(float(logits.log_softmax(-1)[token]))
            unread = [token]
            reason = self._stopping.reason(token_ids, request.max_tokens, request.stop)
            await asyncio.sleep(0)  # the other coroutines' turn
        return Completion(
            token_ids=tuple(token_ids),
            text=self._stopping.visible_text(token_ids, request.stop),
            logprobs=tuple(logprobs),
            finish_reason=reason,
        )

    def close(self) -> None:
        self.model = None


def choose(logits: torch.Tensor, temperature: float, top_p: float, random: torch.Generator) -> int:
    """The most probable token at temperature 0; else one of the smallest set whose mass reaches top-p."""
    if temperature == 0:
        return int(logits.argmax())
    ordered, order = (logits / temperature).softmax(-1).sort(descending=True)
    ordered[ordered.cumsum(-1) - ordered >= top_p] = 0
    return int(order[torch.multinomial(ordered, 1, generator=random)])
