"""A training in several processes on one or more machines: started by a launcher, watched, and ended with its owner."""

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass.processes import last_lines, leashed
from genius_bench.recipe import LaunchSection
from genius_bench.training.job import Launched
from genius_bench.training.launchers import command_of, environment_of, free_port
from genius_bench.training.machines import over_ssh
from genius_bench.training.messages import Mirror, first_error, largest_peak

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_FOR_LAST_WORDS = 5.0
"""When a process has failed, others may be about to say why."""


def launch(job: Launched, section: LaunchSection) -> dict[str, int]:
    """Runs the job in `section.processes` processes a machine; returns the largest peak memory of a process.

    All processes have ended when this returns or raises, and when this process dies. Raises what the process that
    failed first would have raised here, `GeniusBenchError` when it could not say why.
    """
    folder = job.folder / "launch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job.write(folder)
    machines = section.machines or ["127.0.0.1"]
    port = section.port if len(machines) > 1 else free_port()
    environment = environment_of(section)
    with ExitStack() as running:
        nodes = []
        for number, machine in enumerate(machines):
            command = command_of(section, folder, number=number, meeting=machines[0], port=port)
            log = folder / f"machine-{number}.log"
            if number:
                place = over_ssh(machine, command, log, environment)
            else:
                place = leashed(command, log=log, environment=environment, folder=folder)
            nodes.append(running.enter_context(place))
        _watch(nodes, folder)
    _check(nodes, folder, machines)
    return largest_peak(folder)


def _watch(nodes: "list[subprocess.Popen[bytes]]", folder: Path) -> None:
    """Shows progress until all launchers have ended, or one process has failed."""
    with Mirror(folder) as mirror:
        while any(node.poll() is None for node in nodes):
            mirror.update()
            if first_error(folder) or any(node.poll() for node in nodes):
                _wait(nodes, SECONDS_FOR_LAST_WORDS)
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
        mirror.update()


def _wait(nodes: "list[subprocess.Popen[bytes]]", seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(node.poll() is None for node in nodes):
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _check(nodes: "list[subprocess.Popen[bytes]]", folder: Path, machines: list[str]) -> None:
    if error := first_error(folder):
        raise error
    for number, node in enumerate(nodes):
        if node.returncode:
            log = folder / f"machine-{number}.log"
            raise GeniusBenchError(
                f"a training process on {machines[number]} was ended from outside (out of memory, perhaps); what was "
                f"saved is kept: run the same command again to continue. The end of {log}: {last_lines(log, 3)}"
            )
