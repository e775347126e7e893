"""DeepSpeed really: ZeRO-2 and ZeRO-3 in two processes against one, killed, continued elsewhere, and then used."""

import json
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from genius_bench.artifacts import Artifact, Store
from genius_bench.engines.loading import resolve_model
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import LaunchSection
from genius_bench.training.launchers import command_of

from .launched import (
    launch_in_own_network,
    log_of,
    own_network,
    processes_about,
    start,
    train,
    wait_for,
    whole_states,
)
from .support import largest_difference, weights_of

pytestmark = [
    pytest.mark.deepspeed,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.usefixtures("halting_plugin"),
    own_network,
    pytest.mark.skipif(find_spec("deepspeed") is None, reason="DeepSpeed is not installed"),
]

ZERO2 = {"launcher": "torchrun", "processes": 2, "sharding": "zero2"}
ZERO3 = {"launcher": "torchrun", "processes": 2, "sharding": "zero3"}
GENTLY: dict[str, Any] = {"learning_rate": 1e-3}
"""For the lab model, which is trained already."""
CURVE, WEIGHTS = 1e-4, 1e-4


@pytest.fixture(scope="module")
def alone(halting_plugin: None, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The lab model, trained in one process."""
    return train(tmp_path_factory.mktemp("alone"), MODEL_PATH, {}, **GENTLY)


@pytest.fixture(scope="module")
def killed(halting_plugin: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which ZeRO-3 was killed after its first state: command, launcher, processes and all."""
    home = tmp_path_factory.mktemp("killed")
    process = start(home, MODEL_PATH, ZERO3, {"HALTING_IN": str(home)}, **GENTLY)
    wait_for(lambda: whole_states(home), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not processes_about(home))
    assert [state.name for state in whole_states(home)] == ["checkpoint-3"]
    return home


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the objective leaves word of how the model was wrapped."""
    launch_in_own_network(monkeypatch)
    folder = tmp_path / "seen"
    folder.mkdir()
    monkeypatch.setenv("HALTING_LOOKS", str(folder))
    return folder


def assert_same_training(one: Artifact, other: Artifact) -> None:
    for mine, theirs in zip(log_of(one), log_of(other), strict=True):
        assert mine == pytest.approx(theirs, abs=CURVE, rel=CURVE)
    assert largest_difference(one, other) < WEIGHTS


def wrappers(seen: Path) -> list[str]:
    return [path.read_text() for path in sorted(seen.iterdir())]


def test_killed_zero3_goes_on_under_the_deepspeed_launcher_and_is_scored(
    killed: Path, alone: Artifact, seen: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(killed, tmp_path / "home")
    artifact = train(home, MODEL_PATH, ZERO3 | {"launcher": "deepspeed"}, **GENTLY)
    assert wrappers(seen) == ["ZeRO-3"] * 2
    assert_same_training(artifact, alone)

    model = artifact.path / "model"
    recorded = json.loads((artifact.path / "fingerprint.json").read_text())["fingerprint"]
    assert recorded == resolve_model(str(model)).fingerprint
    loaded, info = AutoModelForCausalLM.from_pretrained(model, output_loading_info=True)
    assert not any(info.values())
    for name, weight in weights_of(model).items():
        assert torch.equal(loaded.state_dict()[name], weight)

    command = [sys.executable, "-c", "from genius_bench.cli import main; main()", "eval", str(model)]
    command += ["--suite", "lab_words", "--limit", "2", "--samples", "1", "--home", str(home)]
    command += ["--set", "evaluation.temperatures=[]"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    [scores] = Store(home).all("scores")
    assert len(list(scores.rows())) == 4


def test_killed_zero3_goes_on_in_one_process(killed: Path, alone: Artifact, tmp_path: Path) -> None:
    home = shutil.copytree(killed, tmp_path / "home")
    assert_same_training(train(home, MODEL_PATH, {}, **GENTLY), alone)


def test_killed_zero3_goes_on_under_zero2(killed: Path, alone: Artifact, seen: Path, tmp_path: Path) -> None:
    home = shutil.copytree(killed, tmp_path / "home")
    assert_same_training(train(home, MODEL_PATH, ZERO2, **GENTLY), alone)
    assert wrappers(seen) == ["ZeRO-2"] * 2


def test_a_state_of_one_process_goes_on_under_zero3(
    alone: Artifact, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genius_bench.training.trainer import ObjectiveTrainer

    step = ObjectiveTrainer.training_step

    def interrupted(self: Any, *arguments: Any) -> torch.Tensor:
        if self.state.global_step == 5:
            raise KeyboardInterrupt
        return step(self, *arguments)

    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        patch.setattr(ObjectiveTrainer, "training_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(home, MODEL_PATH, {}, **GENTLY)
    assert_same_training(train(home, MODEL_PATH, ZERO3, **GENTLY), alone)


def test_bfloat16_steps_are_kept_in_float32(llama: Path, seen: Path, tmp_path: Path) -> None:
    """Steps of 1e-6 on weights of about 0.3 would all be lost in bfloat16."""
    artifact = train(
        tmp_path / "home", llama, ZERO3, precision="bfloat16", learning_rate=1e-6, reference="recorded"
    )
    before, after = weights_of(llama), weights_of(artifact.path / "model")
    for name, weight in before.items():
        moved = (after[name] - weight.bfloat16().float()).abs()
        assert after[name].dtype == torch.float32
        assert (moved > 0).float().mean() > 0.5, name
        assert moved.max() < 1e-4


def test_unstable_zero3_stops_all_processes_and_keeps_the_last_good_state(
    llama: Path, seen: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with pytest.raises(InputError, match="training stopped at step") as caught:
        train(home, llama, ZERO3, learning_rate=1e30, warmup=0.5, checkpoint_every=1)
    [state] = whole_states(home)
    assert str(state) in str(caught.value)
    assert "training.learning_rate (now 1e+30)" in str(caught.value)
    for path in state.glob("weights-*.safetensors"):
        pieces = torch.cat(
            [piece for name, piece in weights_of_file(path).items() if name.endswith(":weight")]
        )
        assert torch.isfinite(pieces).all()
    assert not processes_about(home)
    assert not Store(home).all("checkpoint")


def test_deepspeed_hands_out_the_visible_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deepspeed.launcher.runner import fetch_hostfile, parse_args, parse_inclusion_exclusion

    section = LaunchSection(launcher="deepspeed", processes=2, machines=["here", "there"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5")
    command = command_of(section, tmp_path, number=1, meeting="here", port=29500)
    read = parse_args(command[command.index("deepspeed.launcher.runner") + 1 :])
    hosts = parse_inclusion_exclusion(fetch_hostfile(read.hostfile), read.include, read.exclude)
    assert hosts == {"machine-0": [2, 3], "machine-1": [2, 3]}
    assert (read.node_rank, read.master_addr, read.no_ssh) == (1, "here", True)
    assert (read.user_script, read.user_args) == ("genius_bench.training.worker", [str(tmp_path)])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1b2c")
    with pytest.raises(InputError, match="use --launcher torchrun"):
        command_of(section, tmp_path, number=0, meeting="here", port=29500)


def weights_of_file(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
