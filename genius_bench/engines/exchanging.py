"""Engines for several checkpoints, one after the other: one that can read other weights is not started anew."""

import asyncio
from typing import TYPE_CHECKING

from genius_bench.engines import open_engine
from genius_bench.engines.interface import Engine, ExchangingEngine
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import InputError
from genius_bench.recipe import EngineSection

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint


class EnginesInTurn:
    """Opens an engine for a checkpoint after the one before has been closed by its user.

    vLLM takes the better part of a minute to start, and a second to exchange its weights.
    """

    def __init__(self, settings: EngineSection, *, keep: bool) -> None:
        """Without `keep` each is closed, and has given its memory back, when its user closes it."""
        self._settings, self._keep = settings, keep
        self._kept: ExchangingEngine | None = None

    def open(self, model: "ModelFiles | Endpoint") -> Engine:
        """As `open_engine`; what comes of it serves until the next is opened. Not to be called in an event loop."""
        if self._kept is not None and isinstance(model, ModelFiles):
            try:
                asyncio.run(self._kept.exchange_weights(model.path))
                return Lent(self._kept)
            except InputError:  # another architecture or vocabulary
                self.close()
        engine = open_engine(model, self._settings)
        if not (self._keep and isinstance(engine, ExchangingEngine)):
            return engine
        self._kept = engine
        return Lent(engine)

    def close(self) -> None:
        """May be called more than once."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None


class Lent:
    """A kept engine in the hands of a stage, which closes it when it has its answers."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.tokenizer, self.context_length = engine.name, engine.tokenizer, engine.context_length
        self.workers = getattr(engine, "workers", 1)
        self.generate = engine.generate

    def close(self) -> None:
        """It stays open for the next checkpoint."""
