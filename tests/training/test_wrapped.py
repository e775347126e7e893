"""Chunks of logits in models that are spread over processes: the gradients of one process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as distributed

from genius_bench.recipe import TrainingSection
from genius_bench.training import chunking
from genius_bench.training.layout import choose_layout
from genius_bench.training.log_probabilities import response_log_probabilities
from genius_bench.training.packing import SHARED

from .models import VOCABULARY, assert_close, gradients, make_examples, one_by_one, tiny_model

ROOT = Path(__file__).resolve().parents[__package__.count(".") + 1]
PROCESSES = 2


@pytest.mark.slow
@pytest.mark.parametrize("way", ["DistributedDataParallel", "FSDPLlamaForCausalLM"])
def test_gradients_of_two_processes_are_those_of_one(way: str, tmp_path: Path) -> None:
    program = f"from {__package__}.test_wrapped import work; work({way!r}, %d, {str(tmp_path / 'store')!r})"
    quiet = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program % number], env=os.environ | quiet, stderr=subprocess.PIPE
        )
        for number in range(PROCESSES)
    ]
    try:
        said = [process.communicate(timeout=300)[1].decode() for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * PROCESSES, said


def work(way: str, process: int, store: str) -> None:
    """One process: its share of the pairs by a wrapped model in chunks, and all of them by a plain one at once."""
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=process, world_size=PROCESSES)
    examples, plain = make_examples(2 * PROCESSES), tiny_model("llama")
    chunking.LOGITS_AT_ONCE["cpu"] = 5 * VOCABULARY
    model = wrapped(way, tiny_model("llama"))
    assert type(model).__name__ == way
    share = examples[process::PROCESSES]
    assert choose_layout(model, share, TrainingSection()) == SHARED
    model.train()
    response_log_probabilities(model, SHARED(share)).sum().backward()
    found = [whole(weight.grad) for weight in model.parameters()]
    expected = gradients(plain, one_by_one(plain, examples).sum() / PROCESSES)
    assert_close(found, expected)
    distributed.destroy_process_group()


def wrapped(way: str, model: Any) -> Any:
    if way == "DistributedDataParallel":
        return torch.nn.parallel.DistributedDataParallel(model)
    from torch.distributed.fsdp import fully_shard

    for layer in model.model.layers:
        fully_shard(layer)
    fully_shard(model)
    return model


def whole(gradient: Any) -> torch.Tensor:
    full: torch.Tensor = gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient
    return full
