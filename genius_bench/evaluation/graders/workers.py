"""Many small jobs in processes that are killed and replaced when one of them takes too much processor time.

A module of workers calls `serve`; whoever has jobs calls `answer_all`. Limits are of processor time, kept by the
kernel: a busy machine makes a worker slow, never short of time.
"""

import json
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from genius_bench.environment import usable_cores

Job = dict[str, Any]
PATIENCE_SECONDS = 900.0
"""By the clock: only against a worker that sleeps for ever. A limit of processor time always ends a busy one."""


def answer_all(module: str, jobs: list[Job]) -> list[Job | None]:
    """Each job's reply from `python -m module` (JSON lines in and out); None where the worker died of it."""
    replies: list[Job | None] = [None] * len(jobs)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(jobs)):
        waiting.put(index)

    def work(_: int) -> None:
        worker = _Worker(module)
        try:
            while True:
                index = waiting.get_nowait()
                replies[index] = worker.ask(jobs[index])
        except queue.Empty:
            return
        finally:
            worker.stop()

    count = min(len(jobs), max(1, min(8, usable_cores())))
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(work, range(count)))
    return replies


def serve(answer: Callable[[Job], Job]) -> None:
    """A worker's main loop: one JSON line in, one out."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Ends this process when what is inside takes more than `seconds` of its processor time.

    The kernel does it (SIGPROF is left to its default), because nothing else can interrupt one long operation in C.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class _Worker:
    """One process; started when first asked and again after it was killed or died."""

    def __init__(self, module: str) -> None:
        self.command = [sys.executable, "-m", module]
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, job: Job) -> Job | None:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.stop()
            return None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            return None
        reply: Job = json.loads(line)
        return reply

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.communicate()
        self.process = None
