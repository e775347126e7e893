"""Sizes from a configuration against the loaded model, its real cache and what autograd really keeps."""

import asyncio
import shutil
from pathlib import Path

import pytest
import torch

from genius_bench.engines.batch import Row, RunningBatch
from genius_bench.engines.continuing import Continuing
from genius_bench.engines.interface import Request
from genius_bench.planning.amounts import counted
from genius_bench.planning.memory import Batch, hf_cache
from genius_bench.planning.shape import activations_per_token, adapter_parameters, shape_of
from genius_bench.planning.weights import weights_in
from genius_bench.recipe import LoraSection
from genius_bench.training.policy import with_adapters
from tests.planning.models import (
    LLAMA_8B,
    LLAMA_70B,
    PARAMETERS_8B,
    PARAMETERS_70B,
    config_only,
    save,
)

KINDS = [(kind, tied) for kind in ("llama", "qwen2", "gpt2", "neox") for tied in (True, False)]


@pytest.mark.parametrize(("kind", "tied"), KINDS)
def test_weights_are_counted_as_the_loaded_model_has_them(kind: str, tied: bool, tmp_path: Path) -> None:
    model = save(kind, tmp_path / "whole", tied=tied, dtype=torch.bfloat16)
    loaded = sum(weight.numel() for weight in model.parameters())
    (tmp_path / "bare").mkdir()
    shutil.copy(tmp_path / "whole" / "config.json", tmp_path / "bare")
    for folder in ("whole", "bare"):
        shape = shape_of(str(tmp_path / folder))
        assert shape.parameters == loaded
        assert shape.stored_type == "bfloat16"
        assert shape.weights_here == (folder == "whole")
    header = weights_in(tmp_path / "whole")
    assert header is not None
    assert (header.parameters, header.stored_type) == (loaded, "bfloat16")


def test_known_models_have_their_published_number_of_weights(tmp_path: Path) -> None:
    assert shape_of(str(config_only(LLAMA_8B, tmp_path / "8b"))).parameters == PARAMETERS_8B
    assert shape_of(str(config_only(LLAMA_70B, tmp_path / "70b"))).parameters == PARAMETERS_70B


def test_adapters_are_counted_as_peft_makes_them(tmp_path: Path) -> None:
    lora = LoraSection(rank=4)
    model = with_adapters(save("llama", tmp_path / "llama"), lora)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert 0 < trained < sum(weight.numel() for weight in model.parameters())
    assert adapter_parameters(str(tmp_path / "llama"), lora) == trained


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2", "neox"])
def test_the_cache_has_as_many_bytes_as_the_engine_really_holds(kind: str, tmp_path: Path) -> None:
    model = save(kind, tmp_path / kind).eval()
    prompts = [tuple(range(3, 3 + length)) for length in (50, 41, 7)]

    class GoOn:
        def reason(self, *_: object) -> None:
            return None

    async def held() -> int:
        batch = RunningBatch(model, 0)
        loop = asyncio.get_running_loop()
        requests = [Request(prompt_ids=ids, max_tokens=99, seed=number) for number, ids in enumerate(prompts)]
        watched = [Continuing(request, GoOn()) for request in requests]  # type: ignore[arg-type]
        batch.exchange([Row(one, loop.create_future()) for one in watched])
        batch.step()
        cache = batch._cache
        buffers = [columns._buffer for layer in cache.layers for columns in layer.columns]
        return sum(buffer.untyped_storage().nbytes() for buffer in buffers)

    shape = shape_of(str(tmp_path / kind))
    planned = hf_cache(shape.cache_per_token, "float32", Batch(rows=len(prompts), columns=counted(50)))
    assert planned.value == asyncio.run(held())


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("llama", 0.1), ("qwen2", 0.1), ("neox", 0.1), ("gpt2", 0.1)]
)
def test_activations_are_what_autograd_keeps(kind: str, tolerance: float, tmp_path: Path) -> None:
    """Measured on a real model without gradients of its head, over 96 tokens; attention keeps no squares."""
    model = save(kind, tmp_path / kind).eval()
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    tokens = torch.arange(2 * 96).view(2, 96) % 300
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False, logits_to_keep=1)
    planned = activations_per_token(str(tmp_path / kind)) * tokens.numel() * 4
    assert planned == pytest.approx(sum(kept.values()), rel=tolerance)
