"""What goes wrong between two steps: nothing is doubled, nothing lost, and it is said in a line."""

import errno
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Build, Store
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import GeniusBenchError, InputError
from tests.training.support import largest_difference

from .support import learn, rollouts_of

ASKED: dict[str, Any] = {"checkpoint_every": 1, "epochs": 1}


def test_an_engine_that_dies_and_a_disk_that_fills_cost_only_the_step(
    tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = Store(tmp_path / "hurt"), 0

    async def dies(self: HFEngine, request: Request) -> Completion:
        nonlocal calls
        calls += 1
        if calls == 12:  # in the middle of the second step
            raise GeniusBenchError("the engine is gone")
        return await generate(self, request)

    def is_full(self: Build, rows: Any, **counts: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    generate = HFEngine.generate
    with monkeypatch.context() as hurt:
        hurt.setattr(HFEngine, "generate", dies)
        with pytest.raises(GeniusBenchError, match="the engine is gone"):
            learn(store, llama, **ASKED)
    with monkeypatch.context() as hurt:
        hurt.setattr(Build, "write_shard", is_full)
        with pytest.raises((InputError, OSError), match=r"space"):
            learn(store, llama, **ASKED)
    continued = learn(store, llama, **ASKED)
    undisturbed = learn(Store(tmp_path / "whole"), llama, **ASKED)
    assert rollouts_of(continued) == rollouts_of(undisturbed)
    assert largest_difference(continued, undisturbed) == 0.0
    sampled = [made.manifest["counters"]["tokens_sampled"] for made in (continued, undisturbed)]
    assert sampled[0] == sampled[1]


def test_an_engine_without_log_probabilities_is_refused(
    store: Store, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(self: HFEngine, request: Request) -> Completion:
        return Completion(**{**vars(await generate(self, request)), "logprobs": ()})

    generate = HFEngine.generate
    monkeypatch.setattr(HFEngine, "generate", silent)
    with pytest.raises(InputError, match="tells no log-probabilities"):
        learn(store, llama, **ASKED)
