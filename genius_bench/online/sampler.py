"""Who draws: the very module that is trained, or an engine beside it that is handed its weights after every update."""

import asyncio
from pathlib import Path
from typing import Any

from genius_bench.engines import open_engine
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Engine, ExchangingEngine, Request
from genius_bench.engines.rereading import known_tokens, reread
from genius_bench.errors import InputError
from genius_bench.online.job import OnlineJob
from genius_bench.training.policy import write_files


class Beside:
    """An engine with weights of its own, which come to it through files.

    Its log-probabilities are not the trainer's: what they differ by is read, weighed and told. What it does not tell of
    the distributions that it drew from, the policy in training tells.
    """

    def __init__(self, engine: ExchangingEngine, model: Any, policy: Path, folder: Path) -> None:
        self._engine, self._model, self._policy, self._folder = engine, model, policy, folder
        self._vocabulary = known_tokens(engine.tokenizer)
        self.name, self.tokenizer, self.context_length = engine.name, engine.tokenizer, engine.context_length

    async def generate(self, request: Request) -> Completion:
        return await self.reread(request, await self._engine.generate(request))

    async def reread(self, request: Request, completion: Completion) -> Completion:
        return reread(self._model, self._vocabulary, request, completion)

    def follow(self) -> None:
        """From now on it draws with the weights as they are. Raises `EngineLostError` where it cannot read them."""
        write_files(self._model, self._policy, self._folder)
        asyncio.run(self._engine.exchange_weights(self._folder))

    def close(self) -> None:
        self._engine.close()


def sampler_of(job: OnlineJob, model: Any, *, moved: bool) -> Engine:
    """For the policy in training, which has moved from the files that it began with or has not.

    Raises `InputError` for an engine that cannot exchange its weights.
    """
    if job.engine.name == "hf":
        return HFEngine(job.policy.path, job.engine, model)
    engine = open_engine(job.policy, job.engine)
    if not isinstance(engine, ExchangingEngine):
        engine.close()
        raise InputError(
            f"engine '{job.engine.name}' cannot exchange its weights, which an online method does after every step: "
            "use --engine hf or vllm"
        )
    beside = Beside(engine, model, job.policy.path, job.folder / "exchanged")
    if moved:
        beside.follow()
    return beside
