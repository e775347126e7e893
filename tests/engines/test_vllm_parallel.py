"""Several copies of a model behind one vLLM engine, and one model over several processes: on processors, too."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

from genius_bench.engines import vllm_guard
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion
from genius_bench.engines.vllm import VLLMEngine
from genius_bench.errors import EngineLostError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection
from tests.engines.continuing_support import asked_twice, differences, going_on
from tests.engines.vllm_support import NEEDS_VLLM, generate, lab_requests, listening, perturbed

pytestmark = [*NEEDS_VLLM, pytest.mark.slow]


@pytest.fixture(scope="module", params=["data_parallel", "tensor_parallel"])
def engine(request: Any) -> Iterator[VLLMEngine]:
    started = VLLMEngine(MODEL_PATH, EngineSection.model_validate({"name": "vllm", request.param: 2}))
    yield started
    folder = started._core._guard.folder
    started.close()
    assert not folder.exists()
    assert not vllm_guard.marked(str(folder)), "nothing outlives it"


def test_answers_are_those_of_one_process(engine: VLLMEngine, tmp_path: Path) -> None:
    """Also with other weights, which every copy and every part of the model must have been given."""
    requests = lab_requests(40, temperature=0.0)
    for path in (MODEL_PATH, perturbed(tmp_path / "other"), MODEL_PATH):
        asyncio.run(engine.exchange_weights(path))
        fresh = generate(HFEngine(path, EngineSection(device="cpu")), requests)
        for ours, theirs in zip(generate(engine, requests), fresh, strict=True):
            assert ours.token_ids == theirs.token_ids
            np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)


def test_a_seed_alone_decides_whichever_copy_answers(engine: VLLMEngine) -> None:
    requests = lab_requests(100)
    forwards, backwards = generate(engine, requests), generate(engine, requests[::-1])[::-1]
    assert [one.token_ids for one in forwards] == [one.token_ids for one in backwards]


def test_requests_go_on(engine: VLLMEngine) -> None:
    wanted = going_on(lab_requests(64, temperature=0.6, stop=("\n",)))
    found = generate(engine, wanted)
    assert differences(found, asked_twice(engine, wanted)) <= 1, "rounding may decide one token"
    assert sum(one.then is not None for one in found) > 32


def test_nothing_listens_beyond_this_machine(engine: VLLMEngine) -> None:
    assert len(psutil.Process().children(recursive=True)) > 1
    assert listening() <= {"127.0.0.1", "::1"}


def test_the_death_of_one_process_is_told_to_all_who_wait() -> None:
    """Not as an answer that vLLM ended early, which a scoring would count as wrong."""
    engine = VLLMEngine(MODEL_PATH, EngineSection(name="vllm", data_parallel=2))

    async def killed_while_busy() -> list[object]:
        requests = lab_requests(64, max_tokens=2000)
        busy = asyncio.gather(*map(engine.generate, requests), return_exceptions=True)
        await asyncio.sleep(0.5)
        processes = map(psutil.Process, vllm_guard.marked(str(engine._core._guard.folder)))
        next(one for one in processes if one.name().endswith("DP1")).kill()
        return list(await busy)

    outcomes = asyncio.run(killed_while_busy())
    engine.close()
    assert any(isinstance(one, EngineLostError) for one in outcomes)
    assert all(isinstance(one, EngineLostError | Completion) for one in outcomes)
