"""Trainings in several processes against the same training in one: curves, weights, kills, errors, other machines."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from accelerate.data_loader import SeedableRandomSampler

from genius_bench.artifacts import Artifact, Build, Store
from genius_bench.errors import InputError
from genius_bench.recipe import LaunchSection
from genius_bench.training import conditions
from genius_bench.training.arguments import micro_batches
from genius_bench.training.batches import BatchPlan
from genius_bench.training.conditions import check_launch
from genius_bench.training.job import Job
from genius_bench.training.policy import trained_model
from genius_bench.training.saved_state import newest_state

from .launched import (
    IN_OWN_NETWORK,
    ROWS,
    SETTINGS,
    launch_in_own_network,
    log_of,
    own_network,
    processes_about,
    start,
    train,
    wait_for,
    whole_states,
)
from .support import largest_difference, make_pairs, make_training_set, settings, weights_of

pytestmark = [pytest.mark.timeout(1500), pytest.mark.usefixtures("halting_plugin")]

CURVE = 1e-4
"""Logged numbers of a training in several processes against one: float32 sums in another order."""
WEIGHTS = 1e-4
"""Weights, where each of eight steps moves one by up to 0.01."""


@pytest.fixture(scope="module")
def alone(halting_plugin: None, llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The training in one process."""
    return train(tmp_path_factory.mktemp("alone"), llama, {})


def assert_same_training(one: Artifact, other: Artifact) -> None:
    assert one.key == other.key
    for mine, theirs in zip(log_of(one), log_of(other), strict=True):
        assert mine == pytest.approx(theirs, abs=CURVE, rel=CURVE)
    assert largest_difference(one, other) < WEIGHTS
    values = [sorted(map(tuple_of, artifact.rows())) for artifact in (one, other)]
    assert [row[0] for row in values[0]] == [row[0] for row in values[1]]
    for mine, theirs in zip(*values, strict=True):
        assert mine[1:] == pytest.approx(theirs[1:], abs=1e-4)


def tuple_of(row: dict[str, Any]) -> tuple[str, float, float]:
    return row["id"], row["reference_chosen_logp"], row["reference_rejected_logp"]


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_a_step_has_the_same_rows_on_any_number_of_processes(processes: int) -> None:
    plan = BatchPlan(rows=29, batch_size=12, micro_batch_size=1, processes=processes, seed=5)
    for epoch in range(2):
        order = SeedableRandomSampler(range(29), data_seed=5)  # what Trainer draws from in one process
        order.set_epoch(epoch)
        expected, lengths = list(order), 0
        for within in range(3):
            step = epoch * 3 + within
            shares = [plan.micro_batches_of(step, process) for process in range(processes)]
            rows = [row for share in shares for rows, counts in share if counts for row in rows]
            assert sorted(rows) == sorted(expected[within * 12 : within * 12 + 12])
            assert len({len(share) for share in shares}) == 1
            lengths += len(shares[0])
        assert lengths == plan.micro_batches_per_epoch


@own_network
@pytest.mark.slow
def test_two_processes_by_torchrun_train_as_one(
    tmp_path: Path,
    llama: Path,
    alone: Artifact,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    launch_in_own_network(monkeypatch)
    seen = tmp_path / "seen"
    seen.mkdir()
    monkeypatch.setenv("HALTING_LOOKS", str(seen))
    home = tmp_path / "home"
    artifact = train(home, llama, {"launcher": "torchrun", "processes": 2})
    assert_same_training(artifact, alone)
    assert [path.read_text() for path in sorted(seen.iterdir())] == ["DistributedDataParallel"] * 2

    told = capfd.readouterr().err
    assert "training: 2 processes by torchrun, float32\n" in told
    assert f"reference log-probabilities: {ROWS}/{ROWS} rows" in told
    assert "training (halting): 8/8 steps" in told
    assert not {path.name for path in artifact.path.iterdir()} & {"launch", "states"}
    counters, others = artifact.manifest["counters"], alone.manifest["counters"]
    assert counters["process_peak_resident_bytes"] > 0
    assert {name: counters[name] for name in others if name != "wall_seconds"} == {
        name: others[name] for name in others if name != "wall_seconds"
    }
    assert not processes_about(home)


@own_network
@pytest.mark.slow
def test_a_killed_launch_goes_on_in_one_process_and_on_two_machines(
    tmp_path: Path, llama: Path, alone: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    process = start(home, llama, {"launcher": "accelerate", "processes": 2}, {"HALTING_IN": str(home)})
    wait_for(lambda: whole_states(home), process)
    assert len(processes_about(home)) >= 4
    process.send_signal(signal.SIGTERM)
    process.wait()
    wait_for(lambda: not processes_about(home))
    [state] = whole_states(home)
    assert state.name == "checkpoint-3"

    copy = shutil.copytree(home, tmp_path / "copy")
    assert_same_training(train(copy, llama, {}), alone)

    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    environment = {
        "PATH": f"{ssh.parent}{os.pathsep}{os.environ['PATH']}",
        "GLOO_SOCKET_IFNAME": "lo",
        "HF_TOKEN": "never-on-a-command-line",
        "HF_HOME": "/some/where",
    }
    machines = {"launcher": "torchrun", "processes": 1, "machines": ["127.0.0.1", "localhost"]}
    process = start(home, llama, machines, environment)
    told = process.communicate(timeout=500)[1]
    assert process.returncode == 0, told
    assert "training: 2 processes on 2 machines by torchrun, float32\n" in told
    [artifact] = Store(home).all("checkpoint")
    assert_same_training(artifact, alone)
    checked, asked = (tmp_path / "asked").read_text().splitlines()
    for line in (checked, asked):
        assert line.startswith("-o BatchMode=yes ")
        assert " localhost " in line
    assert "HF_HOME=/some/where" in asked
    assert "never-on-a-command-line" not in asked
    assert not processes_about(home)


@own_network
@pytest.mark.slow
def test_an_error_of_one_process_ends_all_and_is_told(
    tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_in_own_network(monkeypatch)
    monkeypatch.setenv("HALTING_FAILS", "1")
    with pytest.raises(InputError, match=r"^this process has no wish to go on$"):
        train(tmp_path, llama, {"launcher": "torchrun", "processes": 2})
    assert not processes_about(tmp_path)


FSDP_ON_PROCESSORS = """
from accelerate import state
from accelerate.utils import DistributedType

make = state.AcceleratorState.__init__

def as_on_devices(self, *given, **named):
    shared = state.PartialState._shared_state
    if shared.get("distributed_type") == DistributedType.MULTI_CPU:
        shared["distributed_type"] = DistributedType.MULTI_GPU
    make(self, *given, **named)

state.AcceleratorState.__init__ = as_on_devices
from genius_bench.training.worker import main
main()
"""
"""accelerate shards on devices only; told that these processes had one, it shards on processors just as well."""


@own_network
@pytest.mark.slow
def test_fsdp2_trains_as_one_process(tmp_path: Path, llama: Path, alone: Artifact) -> None:
    """Refused on processors, because accelerate does not do it there: here the worker itself is made to."""
    from halting_plugin import Halting  # type: ignore[import-not-found]

    seen = tmp_path / "seen"
    seen.mkdir()
    build = Build(tmp_path / "artifact.partial")
    job = Job(
        policy=llama,
        rows=make_training_set(Store(tmp_path / "home"), make_pairs(ROWS)).path,
        objective=Halting(),
        training=settings(**SETTINGS),
        precision="float32",
        seed=3,
        sharding="fsdp2",
        folder=build.path,
        state=None,
    )
    folder = build.path / "launch"
    folder.mkdir()
    job.write(folder)
    script = tmp_path / "worker.py"
    script.write_text(FSDP_ON_PROCESSORS)
    command = [*IN_OWN_NETWORK, sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command += ["--master_addr", "127.0.0.1", str(script), str(folder)]
    done = subprocess.run(
        command,
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "HALTING_LOOKS": str(seen)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in sorted(seen.iterdir())] == ["FSDP2"] * 2
    state = newest_state(job.states)
    assert state is not None
    logged = json.loads((state / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in logged if "loss" in entry]
    assert losses == pytest.approx([entry["loss"] for entry in log_of(alone)], abs=CURVE)
    trained = dict(trained_model(llama, job.training.lora, "float32", state).named_parameters())
    for name, weight in weights_of(alone.path / "model").items():
        assert (trained[name] - weight).abs().max() < WEIGHTS


def test_what_cannot_be_launched_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(match: str, **section: Any) -> None:
        with pytest.raises(InputError, match=match):
            check_launch(LaunchSection.model_validate(section), tmp_path)

    refused("FSDP2 needs GPUs: use --sharding zero3", launcher="torchrun", processes=2, sharding="fsdp2")
    with pytest.raises(InputError, match=r"batch_size = 4 is not a multiple .* × processes"):
        micro_batches(settings(), 3)
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho "Host key verification failed." >&2\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    refused(
        "machine 'far' cannot be used: Host key verification failed.*without a password",
        launcher="torchrun",
        machines=["here", "far"],
    )
    monkeypatch.setattr(conditions, "find_spec", lambda name: None)
    for section in ({"launcher": "deepspeed"}, {"launcher": "torchrun", "sharding": "zero3"}):
        refused(r"needs DeepSpeed: pip install 'genius-bench\[deepspeed\]'", **section)


@pytest.mark.slow
def test_the_command_refuses_before_it_samples(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from genius_bench.cli import main; main()",
        "train",
        "--home",
        str(tmp_path),
    ]
    command += ["--launcher", "torchrun", "--processes", "2", "--sharding", "fsdp2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: FSDP2 needs GPUs")
    assert not (tmp_path / "artifacts").exists()
