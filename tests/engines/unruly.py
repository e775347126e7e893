"""Engines that misbehave on demand. Ray's workers find them as they would find a third party's."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import EngineLostError, InputError
from genius_bench.recipe import EngineSection

DEADLY, REFUSED, LOST = 666, 667, 668
"""First tokens of prompts that end the worker, are refused, and end the engine but not the worker."""
METADATA = "Metadata-Version: 2.1\nName: unruly\nVersion: 1\n"
ENTRY_POINTS = """[genius_bench.engines]
unruly = tests.engines.unruly:UnrulyEngine
sleepy = tests.engines.unruly:SleepyEngine
unloadable = tests.engines.unruly:UnloadableEngine
crashing = tests.engines.unruly:CrashingEngine
"""


def install(folder: Path) -> str:
    """Makes these engines an installed package; returns the search path on which it is found."""
    package = folder / "unruly-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(METADATA)
    (package / "entry_points.txt").write_text(ENTRY_POINTS)
    return os.pathsep.join([str(folder), str(Path(__file__).parents[2])])


class UnrulyEngine:
    """Answers with its process, and with the last token of the prompt."""

    name = "unruly"
    context_length: int | None = 77
    tokenizer: Any = None

    def __init__(self, model: Path, settings: EngineSection) -> None:
        self._lost = False

    async def generate(self, request: Request) -> Completion:
        if request.prompt_ids[0] == DEADLY:
            os._exit(1)
        if request.prompt_ids[0] == REFUSED:
            raise InputError("this prompt is refused")
        self._lost = self._lost or request.prompt_ids[0] == LOST
        await asyncio.sleep(0.02)
        if self._lost:
            raise EngineLostError("the engine has gone; run it again")
        tokens = (request.prompt_ids[-1],)
        return Completion(token_ids=tokens, text=str(os.getpid()), logprobs=(-1.0,), finish_reason="eos")

    def close(self) -> None:
        return None


class SleepyEngine(UnrulyEngine):
    """Never answers (but the first question, by which it gets ready), and has a child."""

    def __init__(self, model: Path, settings: EngineSection) -> None:
        super().__init__(model, settings)
        self._child = subprocess.Popen(["sleep", "600"])

    async def generate(self, request: Request) -> Completion:
        if request.max_tokens > 1:
            await asyncio.sleep(600)
        return await super().generate(request)


class UnloadableEngine(UnrulyEngine):
    def __init__(self, model: Path, settings: EngineSection) -> None:
        raise InputError("there is no weight in this model")


class CrashingEngine(UnrulyEngine):
    def __init__(self, model: Path, settings: EngineSection) -> None:
        os._exit(3)
