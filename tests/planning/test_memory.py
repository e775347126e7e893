"""Bytes of a training against what torch and the disk really hold, and against DeepSpeed's own arithmetic."""

from pathlib import Path

import pytest
import torch

from genius_bench.artifacts import Store
from genius_bench.errors import GeniusBenchError
from genius_bench.planning.fitting import STATE_BYTES
from genius_bench.planning.memory import Trained, certain, training_states
from genius_bench.planning.shape import adapter_parameters, shape_of
from genius_bench.recipe import LaunchSection, LoraSection
from genius_bench.training.policy import load_policy, with_adapters
from tests.planning.models import PARAMETERS_8B, save
from tests.training.support import make_pairs, make_training_set, save_policy, train


@pytest.mark.parametrize("rank", [0, 4])
def test_states_are_what_torch_holds_after_a_step(rank: int, tmp_path: Path) -> None:
    save("llama", tmp_path / "llama")
    lora = LoraSection(rank=rank)
    model = with_adapters(load_policy(tmp_path / "llama", lora, "float32"), lora)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    model(input_ids=torch.arange(32).view(2, 16)).logits.sum().backward()
    optimizer.step()

    def size(tensors: list[torch.Tensor]) -> int:
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    averages = [
        value for state in optimizer.state.values() for name, value in state.items() if name != "step"
    ]
    held = {
        "weights": size(list(model.parameters())),
        "gradients": size([weight.grad for weight in trained if weight.grad is not None]),
        "optimiser states": size(averages),
    }
    shape, adapters = shape_of(str(tmp_path / "llama")), adapter_parameters(str(tmp_path / "llama"), lora)
    planned = training_states(
        Trained(
            parameters=shape.parameters + adapters, trained=adapters or shape.parameters, precision="float32"
        ),
        LaunchSection(),
    )
    assert {name: part.value for name, part in planned.items()} == held


@pytest.mark.parametrize(
    ("sharding", "bytes_per_weight"),
    [
        ("none", 16),  # 4 weight, 4 gradient, 8 averages
        ("zero2", 2 + (4 + 4 + 8) / 8),  # bfloat16 whole; float32 weight, gradient and averages divided
        ("zero3", (2 + 4 + 4 + 8) / 8),
        ("fsdp2", 16 / 8),
    ],
)
def test_an_8b_model_over_eight_devices(sharding: str, bytes_per_weight: float) -> None:
    model = Trained(parameters=PARAMETERS_8B, trained=PARAMETERS_8B, precision="bfloat16")
    launch = LaunchSection.model_validate(
        {"launcher": "torchrun", "processes": 4, "machines": ["one", "two"], "sharding": sharding}
    )
    assert certain(training_states(model, launch)) == pytest.approx(bytes_per_weight * PARAMETERS_8B)


def test_a_state_on_disk_is_as_large_as_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a training that ends before its checkpoint is published."""
    policy = save_policy("llama", tmp_path / "policy")
    store = Store(tmp_path / "home")

    def fail(*_: object) -> None:
        raise GeniusBenchError("stop here")

    monkeypatch.setattr("genius_bench.training.policy.publish", fail)
    with pytest.raises(GeniusBenchError, match="stop here"):
        train(store, policy, make_training_set(store, make_pairs(8)))
    [state] = store.home.glob("artifacts/checkpoint/*.partial/states/checkpoint-*")
    planned = STATE_BYTES * shape_of(str(policy)).parameters
    on_disk = sum(file.stat().st_size for file in state.glob("weights-*"))
    assert planned <= on_disk < planned + 16_384, "and the names of the weights"
