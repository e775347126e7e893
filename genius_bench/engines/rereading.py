"""Entropies and certainties of what was said before, or by an engine that tells none: one teacher-forced pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from genius_bench.engines.interface import Completion, Engine, Request, RereadingEngine
from genius_bench.engines.loading import load_model


def known_tokens(tokenizer: Any) -> int:
    """Rows of the output head that stand for tokens; those that only pad it to a round number are never trained."""
    return 1 + max(tokenizer.get_vocab().values())


def reread(model: Any, vocabulary: int, request: Request, completion: Completion) -> Completion:
    """`completion` with the entropies and certainties that `request` wants, from one pass of `model` over it."""
    import torch

    from genius_bench.engines.choosing import certainties_of, entropies_of

    length = len(completion.token_ids)
    with torch.inference_mode():
        ids = torch.tensor([[*request.prompt_ids, *completion.token_ids]], device=model.device)
        output = model(input_ids=ids, use_cache=False, logits_to_keep=length + 1)
        logits = output.logits[0, -length - 1 : -1, :vocabulary].float()
        temperatures = torch.full((length,), request.temperature, device=logits.device)
        return replace(
            completion,
            entropies=tuple(entropies_of(logits, temperatures).tolist()) if request.entropies else (),
            certainties=tuple(certainties_of(logits).tolist()) if request.certainties else (),
        )


def with_rereading(engine: Engine, model_path: Path) -> RereadingEngine:
    """The engine, or one that has what it writes read by the model's own files, on the processor."""
    return engine if isinstance(engine, RereadingEngine) else BesideFiles(engine, model_path)


class BesideFiles:
    """Another engine and the files of the model that it runs, which are loaded when they are first needed."""

    def __init__(self, engine: Engine, model_path: Path) -> None:
        self._engine, self._model_path = engine, model_path
        self._model: Any = None
        self.tokenizer, self.name, self.context_length = engine.tokenizer, engine.name, engine.context_length
        self.workers: int = getattr(engine, "workers", 1)

    async def generate(self, request: Request) -> Completion:
        completion = await self._engine.generate(request)
        lacks_entropies = request.entropies and not completion.entropies
        lacks_certainties = request.certainties and not completion.certainties
        return await self.reread(request, completion) if lacks_entropies or lacks_certainties else completion

    async def reread(self, request: Request, completion: Completion) -> Completion:
        if self._model is None:
            self._model = load_model(self._model_path, device="cpu")
        return reread(self._model, known_tokens(self.tokenizer), request, completion)

    def close(self) -> None:
        self._model = None
        self._engine.close()
