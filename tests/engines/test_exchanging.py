"""One engine for several checkpoints in turn; `tests/engines/test_vllm.py` has the real one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from genius_bench.engines import exchanging
from genius_bench.engines.exchanging import EnginesInTurn
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import EngineLostError, InputError
from genius_bench.recipe import EngineSection

REQUEST = Request(prompt_ids=(1,), max_tokens=1, seed=0)


class Fixed:
    """Says which checkpoint it holds."""

    name, tokenizer, context_length = "fixed", None, None

    def __init__(self, path: Path) -> None:
        self.path, self.closed = path, False

    async def generate(self, request: Request) -> Completion:
        assert not self.closed
        return Completion(token_ids=(), text=self.path.name, logprobs=(), finish_reason="eos")

    def close(self) -> None:
        self.closed = True


class Exchanging(Fixed):
    async def exchange_weights(self, model_path: Path) -> None:
        if model_path.name == "broken":
            raise EngineLostError("weights of two models")
        if model_path.name.startswith("other"):
            raise InputError("another architecture")
        self.path = model_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Fixed]:
    """Every engine that was started: the recipe's `name` says of which kind."""
    started: list[Fixed] = []

    def open_engine(model: ModelFiles, settings: EngineSection) -> Any:
        started.append((Exchanging if settings.name == "vllm" else Fixed)(model.path))
        return started[-1]

    monkeypatch.setattr(exchanging, "open_engine", open_engine)
    return started


def asked(engines: EnginesInTurn, *names: str) -> list[str]:
    """What a stage hears that opens, asks and closes an engine for every checkpoint."""
    heard = []
    for name in names:
        engine = engines.open(ModelFiles(name, Path(name), name))
        heard.append(asyncio.run(engine.generate(REQUEST)).text)
        engine.close()
    return heard


def test_alike_checkpoints_share_one_engine(opened: list[Fixed]) -> None:
    engines = EnginesInTurn(EngineSection(name="vllm"), keep=True)
    assert asked(engines, "base", "first", "second") == ["base", "first", "second"]
    [engine] = opened
    assert not engine.closed
    engines.close()
    engines.close()
    assert engine.closed


def test_another_architecture_has_an_engine_of_its_own(opened: list[Fixed]) -> None:
    engines = EnginesInTurn(EngineSection(name="vllm"), keep=True)
    assert asked(engines, "base", "other", "again") == ["base", "other", "again"]
    assert [engine.closed for engine in opened] == [True, False], "never two at a time"


@pytest.mark.parametrize(("name", "keep"), [("vllm", False), ("hf", True)])
def test_without_exchange_each_is_closed_by_its_user(opened: list[Fixed], name: str, keep: bool) -> None:
    engines = EnginesInTurn(EngineSection(name=name), keep=keep)
    assert asked(engines, "base", "first") == ["base", "first"]
    assert [engine.closed for engine in opened] == [True, True]
    engines.close()


def test_a_lost_engine_is_told(opened: list[Fixed]) -> None:
    engines = EnginesInTurn(EngineSection(name="vllm"), keep=True)
    with pytest.raises(EngineLostError, match="two models"):
        asked(engines, "base", "broken")
    engines.close()
    assert [engine.closed for engine in opened] == [True]
