"""vLLM's processes: what they are given, where they write, and that none of them outlives the engine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from genius_bench.engines import vllm_guard


class Guard:
    """The process of `vllm_guard.py`, and the engine's folder that it will delete."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="genius-bench-vllm-"))
        self._process = subprocess.Popen(
            [sys.executable, "-I", vllm_guard.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # Ctrl-C on a terminal must not end it first
        )

    @property
    def environment(self) -> dict[str, str]:
        """By which it knows the engine's processes; their sockets are in its folder."""
        return {
            vllm_guard.VARIABLE: str(self.folder),
            # vLLM gives its processes titles; the library for that must not write zeros over their environment.
            "SPT_NOENV": "1",
            # The mark is seen on processes that were started, not on copies of this one.
            "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
            "VLLM_RPC_BASE_PATH": str(self.folder),
        }

    def close(self) -> None:
        """Returns when no process of the engine is left."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@contextmanager
def changed_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Undoes further changes too: vLLM sets variables of its own (LD_PRELOAD), which are not for other children."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def written_to(log: Path) -> Iterator[None]:
    """What this process and those that it starts print goes to `log` (theirs for good)."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for copy, number in zip(saved, (1, 2), strict=True):
            os.dup2(copy, number)
            os.close(copy)
