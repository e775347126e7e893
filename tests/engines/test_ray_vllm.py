"""`ray:vllm` really: two workers with a vLLM each, on a cluster of our own."""

import time

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'genius-bench[ray]'")

from genius_bench.engines import open_engine
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.loading import resolve_model
from genius_bench.engines.ray_cluster import cluster
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection
from tests.engines.vllm_support import NEEDS_VLLM, generate, generate_in_turn, lab_requests

pytestmark = [pytest.mark.ray, pytest.mark.slow, *NEEDS_VLLM]


def descendants() -> list[str]:
    return [process.name() for process in psutil.Process().children(recursive=True)]


def test_two_workers_answer_as_the_model_does_and_leave_nothing_behind() -> None:
    requests = lab_requests(24, temperature=0.0)
    seeded = lab_requests(24)
    with cluster():
        engine = open_engine(resolve_model("lab"), EngineSection(name="ray:vllm", workers=2))
        try:
            assert engine.context_length == 4096
            answers, drawn, again = generate_in_turn(engine, [requests, seeded, seeded[::-1]])
        finally:
            engine.close()
    for ours, theirs in zip(answers, generate(HFEngine(MODEL_PATH, EngineSection()), requests), strict=True):
        assert ours.token_ids == theirs.token_ids
        np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)
    assert [one.token_ids for one in drawn] == [one.token_ids for one in again[::-1]]
    assert {one.token_ids for one in drawn} != {one.token_ids for one in answers}
    deadline = time.monotonic() + 60
    while left := [name for name in descendants() if "VLLM" in name or "ray" in name]:
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
