"""What lives in a worker: one engine, and the requests that it was given."""

import asyncio
import os
import pickle
import socket
from pathlib import Path

from genius_bench.engines import open_engine
from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.errors import GeniusBenchError, first_line
from genius_bench.offline import go_offline
from genius_bench.recipe import EngineSection

Answer = tuple[int, Completion | Exception]


class Worker:
    """A Ray actor. Requests come in by the handful and answers leave so: a call each would cost more than many models.

    Threads of the processor are as many as Ray says (`OMP_NUM_THREADS`, set before torch is imported).
    """

    def __init__(self, offline: bool) -> None:
        if offline:
            go_offline()
        self._engine: Engine | None = None
        self._answers: list[Answer] = []
        self._some = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def place(self) -> str:
        """Answers as soon as there is room for this worker."""
        return f"pid {os.getpid()} on {socket.gethostname()}"

    async def open(self, model: Path, settings: EngineSection, proof: Request) -> int | None:
        """Loads the engine and returns its context length, once it has answered `proof`.

        Whoever cannot do what another could, or nothing at all, should die now, with nobody else's request in hand.
        """
        try:
            # Here, where the files are that it will read; in a thread, because it may want a loop of its own.
            self._engine = await asyncio.to_thread(open_engine, model, settings)
            await self._engine.generate(proof)
        except Exception as error:
            raise _portable(error) from None
        return self._engine.context_length

    async def take(self, requests: dict[int, Request]) -> None:
        for number, request in requests.items():
            task = asyncio.create_task(self._answer(number, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finished(self) -> list[Answer]:
        """What was answered since the last call; waits for something."""
        await self._some.wait()
        self._some.clear()
        answers, self._answers = self._answers, []
        return answers

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)

    async def _answer(self, number: int, request: Request) -> None:
        assert self._engine is not None
        outcome: Completion | Exception
        try:
            outcome = await self._engine.generate(request)
        except Exception as error:  # the request's own: whoever asked is told
            outcome = _portable(error)
        self._answers.append((number, outcome))
        self._some.set()


def _portable(error: Exception) -> Exception:
    """The error itself where it can travel, its words otherwise."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a class of its own with arguments of its own: many cannot be rebuilt
        return GeniusBenchError(f"{type(error).__name__}: {first_line(error)}")
    return error
