"""The Ray cluster that workers live in: the one that is there (`RAY_ADDRESS`), or one of our own on loopback."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.engines import ray_guard
from genius_bench.environment import usable_cores
from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.recipe import EngineSection

LOOPBACK = "127.0.0.1"
OBJECT_STORE_BYTES = 128 * 2**20
"""Requests and completions are small, and few are on their way at a time."""
LONGEST_FOLDER = 20
"""Characters of a folder for temporary files: names of sockets are kept short by the system, and Ray's begin so."""
SURROUNDINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # by this, Ray takes 127.0.0.1 as it is: it opens no port elsewhere
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What must be in the environment before Ray is imported, and is handed down to all of its processes."""


@dataclass(frozen=True)
class Shape:
    """How many workers are wanted, what each takes, and for how many there is room."""

    workers: int
    gpus: int
    cpus: int
    room: int

    @property
    def each(self) -> str:
        count, unit = (self.gpus, "GPU") if self.gpus else (self.cpus, "CPU")
        return f"{count} {unit}{'s' if count > 1 else ''}"


def _import_ray() -> Any:
    """Raises `InputError` that says how to get Ray where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise InputError(
            f"engines with 'ray:' in front need Ray ({first_line(error)}): pip install 'genius-bench[ray]'"
        ) from error
    return ray


def cluster_is_elsewhere() -> bool:
    """Whether there is a cluster to be joined, which may span other machines."""
    return os.environ.get("RAY_ADDRESS", "") not in ("", "local")


@contextmanager
def cluster() -> Iterator[Any]:
    """The module `ray`, connected. A cluster that was there is left running, our own is shut down.

    Our own ends with this process, however that ends. Raises `GeniusBenchError` where there is no connection.
    """
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        yield sys.modules["ray"]
    elif cluster_is_elsewhere():
        with _connected(_import_ray(), address=os.environ["RAY_ADDRESS"]) as ray:
            yield ray
    else:
        with _folder() as folder, _own(folder) as ray:
            yield ray


@contextmanager
def _own(folder: Path) -> Iterator[Any]:
    os.environ.update(SURROUNDINGS)
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # by Ray's own, 15, whoever computes beside them starves them
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:  # without a token, Ray would leave one in the user's home
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray = _import_ray()
    sys.modules["ray._private.ray_constants"].ENABLE_RAY_CLUSTER = False  # type: ignore[attr-defined]  # if imported before
    options: dict[str, Any] = {
        "num_cpus": usable_cores(),
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "_node_ip_address": LOOPBACK,
        "_temp_dir": str(folder),
    }
    with _connected(ray, address="local", **options):
        heard_at = {node["NodeManagerAddress"] for node in ray.nodes()}
        if heard_at != {LOOPBACK}:
            raise GeniusBenchError(
                f"Ray listens on {', '.join(sorted(heard_at))} instead of loopback: refused"
            )
        yield ray


@contextmanager
def _connected(ray: Any, *, address: str, **options: Any) -> Iterator[Any]:
    """Deaths of workers are ours to tell: Ray would print its guesses on standard output."""
    sys.modules["ray._private.worker"].print_to_stdstream = lambda *_, **__: None  # type: ignore[attr-defined]
    try:
        try:
            with _own_sigterm():
                ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            reason = first_line(error)
            raise GeniusBenchError(f"no Ray cluster at '{address}' can be used: {reason}") from error
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Takes out Ray's handler again: with it, a stage that is told to end would not end as the others do."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextmanager
def _folder() -> Iterator[Path]:
    """A short folder for Ray's sockets and logs, which is deleted whatever becomes of this process (`ray_guard.py`)."""
    base = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="genius-ray-", dir=base if len(base) < LONGEST_FOLDER else "/tmp")
    guard = subprocess.Popen(
        [sys.executable, "-I", ray_guard.__file__, folder],
        stdin=subprocess.PIPE,
        cwd="/",
        start_new_session=True,  # Ctrl-C on a terminal must not end it first
    )
    assert guard.stdin is not None
    try:
        yield Path(folder)
        guard.stdin.write(b"the cluster is shut down\n")
    finally:
        guard.communicate()


def shape(settings: EngineSection, machines: list[dict[str, float]]) -> Shape:
    """Divides a cluster among workers; `machines` are the resources of its nodes.

    With GPUs, a worker takes as many as its engine spreads one model over. Without, the CPUs are divided among the
    workers, one a machine where no number is given: a copy of the model for every core would rarely fit its memory.
    """
    if settings.device != "cpu" and any(machine.get("GPU") for machine in machines):
        gpus = settings.tensor_parallel * settings.data_parallel
        room = sum(int(machine.get("GPU", 0)) // gpus for machine in machines)
        return Shape(settings.workers or max(room, 1), gpus, 1, room)
    cores = [int(machine.get("CPU", 0)) for machine in machines if machine.get("CPU", 0) >= 1]
    workers = settings.workers or max(len(cores), 1)
    cpus = next((k for k in range(max(cores, default=1), 0, -1) if _room(cores, k) >= workers), 1)
    return Shape(workers, 0, cpus, _room(cores, cpus))


def _room(cores: list[int], each: int) -> int:
    return sum(count // each for count in cores)
