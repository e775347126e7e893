"""Killed, out of disk, numerically broken: what stays, and that continuing ends where undisturbed training ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.objectives.dpo import DPO
from genius_bench.training import saved_state
from genius_bench.training import trainer as trainer_module
from genius_bench.training.examples import read_examples
from genius_bench.training.packing import PACKED, PackingCheck
from genius_bench.training.stage import optimise

from .support import VOCABULARY, largest_difference, make_pairs, make_training_set, settings, weights_of

ROWS = 40
SETTINGS: dict[str, Any] = {
    "reference": "recompute",
    "checkpoint_every": 3,
    "epochs": 2,
    "report_to": "tensorboard",
}


def train(store: Store, policy: Path, **changes: Any) -> Artifact:
    return optimise(
        store,
        policy_path=policy,
        policy_fingerprint="tiny",
        training_set=make_training_set(store, make_pairs(ROWS)),
        objective=DPO(),
        training=settings(**SETTINGS | changes),
        seed=3,
    )


SLOW_TRAINING = """
import sys, time
from pathlib import Path
from genius_bench.artifacts import Store
from genius_bench.objectives.dpo import DPO
from {package}.test_interruptions import train

plain = DPO.row_losses
DPO.row_losses = lambda self, batch: (time.sleep(0.05), plain(self, batch))[1]
train(Store(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def start_slow_training(home: Path, policy: Path) -> subprocess.Popen[bytes]:
    package_root = Path(__file__).resolve().parents[__package__.count(".") + 1]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_TRAINING.format(package=__package__), str(home), str(policy)],
        env={**os.environ, "PYTHONPATH": str(package_root)},
        stderr=subprocess.PIPE,
    )


def kill_after_a_state(process: subprocess.Popen[bytes], home: Path) -> Path:
    """Waits for a whole state, then kills without warning; returns the partial artifact."""
    deadline = time.monotonic() + 300
    while not (found := list(home.glob("artifacts/checkpoint/*.partial/states/checkpoint-*/complete"))):
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return found[0].parents[2]


@pytest.mark.slow
def test_a_killed_training_continues_to_the_same_weights(tmp_path: Path, llama: Path) -> None:
    undisturbed = train(Store(tmp_path / "undisturbed"), llama)
    home = tmp_path / "killed"
    process = start_slow_training(home, llama)
    partial = kill_after_a_state(process, home)
    assert not partial.with_suffix("").exists()
    references = sorted(path.stat().st_mtime_ns for path in (partial / "rows").iterdir())
    # A state that was being written when the process died: newer than all others, and not whole.
    whole = next((partial / "states").glob("checkpoint-*/complete")).parent
    broken = shutil.copytree(whole, whole.with_name("checkpoint-19"))
    (broken / "complete").unlink()
    (broken / "trainer_state.json").write_text("{")

    continued = train(Store(home), llama)
    assert continued.key == undisturbed.key
    assert continued.manifest["counters"]["attempts"] == 1
    assert largest_difference(continued, undisturbed) == 0.0
    assert sorted(path.stat().st_mtime_ns for path in (continued.path / "rows").iterdir()) == references
    logs = [json.loads((a.path / "trainer_log.json").read_text()) for a in (continued, undisturbed)]
    assert logs[0] == logs[1]
    counters = [artifact.manifest["counters"] for artifact in (continued, undisturbed)]
    assert counters[0]["steps"] == counters[1]["steps"] == 20


def test_interrupted_adapters_continue_to_the_same_weights(
    tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second epoch, and with adapter dropout: order and random numbers must be those of that moment."""
    lora = {"rank": 2, "dropout": 0.2}
    undisturbed = train(Store(tmp_path / "undisturbed"), llama, lora=lora)
    step = trainer_module.ObjectiveTrainer.training_step

    def interrupted(self: Any, *arguments: Any) -> torch.Tensor:
        if self.state.global_step == 13:
            raise KeyboardInterrupt
        return step(self, *arguments)

    store = Store(tmp_path / "interrupted")
    with monkeypatch.context() as patch:
        patch.setattr(trainer_module.ObjectiveTrainer, "training_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(store, llama, lora=lora)
    assert largest_difference(train(store, llama, lora=lora), undisturbed) == 0.0


def test_unstable_training_stops_and_keeps_the_last_good_state(store: Store, llama: Path) -> None:
    """With warm-up the first steps are harmless; then the learning rate blows the weights up."""
    with pytest.raises(InputError) as caught:
        train(store, llama, learning_rate=1e30, warmup=0.5, checkpoint_every=1)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in message
    assert "training stopped at step" in message
    assert "training.learning_rate (now 1e+30)" in message

    states = list(store.home.glob("artifacts/checkpoint/*.partial/states/checkpoint-*"))
    assert len(states) == 1
    assert str(states[0]) in message
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(states[0]).values())
    assert not store.all("checkpoint")
    with pytest.raises(InputError, match="training stopped at step"):
        train(store, llama, learning_rate=1e30, warmup=0.5, checkpoint_every=1)
    assert train(store, llama).path.exists()


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), RuntimeError("file write failed")]
)
def test_a_full_disk_leaves_the_last_whole_state(
    tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    store = Store(tmp_path / "full")
    write = saved_state.save_file

    def full_at_the_second(tensors: dict[str, torch.Tensor], path: Path) -> None:
        if path.parent.name != "checkpoint-3":
            raise failure
        write(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(saved_state, "save_file", full_at_the_second)
        with pytest.raises(
            InputError, match=r"cannot write to .* free space or choose another --home"
        ) as caught:
            train(store, llama)
    assert str(failure.args[-1]) in str(caught.value)
    states = list(store.home.glob("artifacts/checkpoint/*.partial/states/*"))
    assert [state.name for state in states] == ["checkpoint-3"]
    undisturbed = train(Store(tmp_path / "undisturbed"), llama)
    assert largest_difference(train(store, llama), undisturbed) == 0.0


def test_a_checkpoint_that_does_not_read_back_is_not_published(
    store: Store, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import save_file
    from transformers import LlamaForCausalLM

    save = LlamaForCausalLM.save_pretrained

    def lossy(self: Any, folder: Path, **arguments: Any) -> None:
        save(self, folder, **arguments)
        if Path(folder).name == "model":
            weights = weights_of(Path(folder))
            del weights["model.norm.weight"]
            save_file(weights, Path(folder) / "model.safetensors", metadata={"format": "pt"})

    with monkeypatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "save_pretrained", lossy)
        with pytest.raises(
            GeniusBenchError, match=r"does not read back: 1 weights missing.*model.norm.weight"
        ):
            train(store, llama)
    assert not store.all("checkpoint")
    assert train(store, llama).path.exists()


def test_a_model_that_mixes_packed_rows_is_refused(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM, masking_utils

    rows = [asdict(pair) for pair in make_pairs(2)]
    examples = read_examples(rows, DPO(), max_length=100, vocabulary=VOCABULARY).kept
    model = AutoModelForCausalLM.from_pretrained(llama)
    PackingCheck(model, examples, rows=2)(PACKED)
    monkeypatch.setattr(masking_utils, "find_packed_sequence_indices", lambda position_ids: None)
    with pytest.raises(InputError, match=r"lets packed rows see each other: --set training.packing=false"):
        PackingCheck(model, examples, rows=2)(PACKED)
