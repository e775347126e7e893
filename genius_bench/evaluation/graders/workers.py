"""Many small jobs in processes that are killed and replaced when one of them takes too long."""

import json
import os
import queue
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Job = dict[str, Any]
START_SECONDS = 60.0


def answer_all(module: str, jobs: list[Job], seconds: float) -> list[Job | None]:
    """Each job's reply from `python -m module` (JSON lines in and out); None where it took longer than `seconds`."""
    replies: list[Job | None] = [None] * len(jobs)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(jobs)):
        waiting.put(index)

    def work(_: int) -> None:
        worker = _Worker(module)
        try:
            while True:
                index = waiting.get_nowait()
                replies[index] = worker.ask(jobs[index], seconds)
        except queue.Empty:
            return
        finally:
            worker.stop()

    count = min(len(jobs), max(1, min(8, len(os.sched_getaffinity(0)))))
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(work, range(count)))
    return replies


class _Worker:
    """One process; started when first asked and again after it was killed or died."""

    def __init__(self, module: str) -> None:
        self.command = [sys.executable, "-m", module]
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, job: Job, seconds: float) -> Job | None:
        fresh = self.process is None
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
        limit = seconds + (START_SECONDS if fresh else 0.0)
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
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
