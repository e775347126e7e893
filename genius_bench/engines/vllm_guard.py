"""Ends the processes of a vLLM engine when its owner is done or dead: `python vllm_guard.py FOLDER`.

vLLM's processes look after their parents only when they are idle or not at all, and none does while it starts. All of
them (and what they start) inherit an environment variable that names the engine's folder; this process, a child of the
owner in a session of its own, waits until the owner closes its standard input or is gone, then kills whatever bears
that name and deletes the folder. Standard library only, for it should start at once. Linux; elsewhere it finds nobody.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

VARIABLE = "GENIUS_BENCH_ENGINE"
LOOK_SECONDS = 0.2
TRY_SECONDS = 30.0


def main() -> None:
    folder = sys.argv[1]
    owner = os.getppid()
    while os.getppid() == owner and not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        pass
    end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_all(folder: str) -> None:
    """Kills until nobody is found twice in a row: one of them may have been starting another."""
    deadline, nobody = time.monotonic() + TRY_SECONDS, 0
    while nobody < 2 and time.monotonic() < deadline:
        found = marked(folder)
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        nobody = 0 if found else nobody + 1
        time.sleep(LOOK_SECONDS / 2)


def marked(folder: str) -> list[int]:
    """The processes that were started for the engine of this folder."""
    mark = f"{VARIABLE}={folder}".encode()
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):
            if name.isdigit() and mark in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                found.append(int(name))
    return found


if __name__ == "__main__":
    main()
