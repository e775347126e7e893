"""Launched trainings in a network of their own, with an objective that halts, fails or looks around on demand.

torchrun's store listens on all interfaces, so launchers run in a network namespace that has nothing but loopback.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.processes import in_own_process
from genius_bench.recipe import LaunchSection
from genius_bench.training import launching
from genius_bench.training.stage import optimise

from .support import make_pairs, make_training_set, settings

IN_OWN_NETWORK = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
ROOT = Path(__file__).resolve().parents[__package__.count(".") + 1]

ROWS = 27
SETTINGS: dict[str, Any] = {
    "reference": "recompute",
    "epochs": 2,
    "batch_size": 8,  # the last step of an epoch has three rows
    "micro_batch_size": 2,
    "checkpoint_every": 3,
}

PLUGIN = '''
import gc, os, time
from pathlib import Path
from genius_bench.errors import InputError
from genius_bench.objectives.dpo import DPO


def wrapper():
    """How the model is spread over processes, as seen from the objects in memory."""
    for thing in gc.get_objects():
        kind = type(thing).__name__
        if kind == "DeepSpeedEngine":
            return f"ZeRO-{thing.zero_optimization_stage()}"
        if kind == "DistributedDataParallel":
            return kind
        if kind.startswith("FSDP") and hasattr(thing, "unshard"):
            return "FSDP2"
    return "none"


class Halting(DPO):
    name = "halting"

    def row_losses(self, batch):
        rank = os.environ.get("RANK", "0")
        if os.environ.get("HALTING_FAILS") == rank:
            raise InputError("this process has no wish to go on")
        if folder := os.environ.get("HALTING_LOOKS"):
            if not (seen := Path(folder) / rank).exists():
                seen.write_text(wrapper())
        if home := os.environ.get("HALTING_IN"):
            while list(Path(home).glob("artifacts/checkpoint/*.partial/states/*/complete")):
                time.sleep(0.05)
        return super().row_losses(batch)
'''


own_network = pytest.mark.skipif(
    sys.platform != "linux" or subprocess.run([*IN_OWN_NETWORK, "true"], check=False).returncode != 0,
    reason="no network namespace can be made here, and launchers would listen on all interfaces",
)


def install_plugin(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """The objective `halting`."""
    install(
        folder,
        patch,
        "halting_plugin",
        PLUGIN,
        "[genius_bench.objectives]\nhalting = halting_plugin:Halting\n",
    )


def install(folder: Path, patch: pytest.MonkeyPatch, module: str, source: str, entry_points: str) -> None:
    """A module as an installed package, here and in every process that is started from here."""
    about = folder / f"{module}-1.dist-info"
    about.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1\n")
    (about / "entry_points.txt").write_text(entry_points)
    patch.syspath_prepend(folder)
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))


def train(home: Path, policy: Path, launch: dict[str, Any], **changes: Any) -> Artifact:
    """A training with the objective of the plug-in; `changes` are training settings."""
    from halting_plugin import Halting  # type: ignore[import-not-found]

    store = Store(home)
    return optimise(
        store,
        policy_path=policy,
        policy_fingerprint="tiny",
        training_set=make_training_set(store, make_pairs(ROWS)),
        objective=Halting(),
        training=settings(**SETTINGS | changes),
        seed=3,
        launch=LaunchSection.model_validate(launch),
    )


def drive() -> None:
    """In a process of its own, as the command does it: one that can be killed."""
    home, policy, launch, changes = sys.argv[1:]
    in_own_process(train, Path(home), Path(policy), json.loads(launch), **json.loads(changes))


def start(
    home: Path,
    policy: Path,
    launch: dict[str, Any],
    environment: dict[str, str] | None = None,
    **changes: Any,
) -> "subprocess.Popen[str]":
    """The same training in a process that can be killed, in a network of its own."""
    program = f"from {__package__}.launched import drive\ndrive()"
    arguments = [str(home), str(policy), json.dumps(launch), json.dumps(changes)]
    places = [str(ROOT), *(os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return subprocess.Popen(
        [*IN_OWN_NETWORK, sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), **(environment or {})},
        stderr=subprocess.PIPE,
        text=True,
    )


def launch_in_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process launches (on one machine) meets in a network of its own."""
    plain = launching.command_of
    monkeypatch.setattr(
        launching, "command_of", lambda *given, **named: [*IN_OWN_NETWORK, *plain(*given, **named)]
    )


def wait_for(what: Callable[[], Any], process: "subprocess.Popen[str] | None" = None) -> None:
    deadline = time.monotonic() + 400
    while not what():
        if process is not None and process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        assert time.monotonic() < deadline
        time.sleep(0.05)


def whole_states(home: Path) -> list[Path]:
    return [path.parent for path in home.glob("artifacts/checkpoint/*.partial/states/*/complete")]


def processes_about(home: Path) -> list[int]:
    """Every process (but this one) that has the home's path in its command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if str(home).encode() in words and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def log_of(artifact: Artifact) -> list[dict[str, float]]:
    log: list[dict[str, float]] = json.loads((artifact.path / "trainer_log.json").read_text())
    return log
