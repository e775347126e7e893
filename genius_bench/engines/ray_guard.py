"""Ends what is left of a Ray cluster when its owner has died: `python ray_guard.py FOLDER`.

Ray's processes end with their owner, but some try for a minute to report that to a cluster which is gone. All of them,
and what they start, have a log in the cluster's folder open: by this they are known. This process, a child of the owner
in a session of its own, waits until the owner says that it has shut the cluster down, or is gone or gives up; then it
deletes the folder. Standard library only, for it should start at once. Linux; elsewhere it finds nobody.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import time

LOOK_SECONDS = 0.2
TRY_SECONDS = 30.0


def main() -> None:
    folder, owner = sys.argv[1], os.getppid()
    while os.getppid() == owner:
        if select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
            break
    if os.getppid() != owner or not sys.stdin.readline():
        end_all(folder, owner)
    shutil.rmtree(folder, ignore_errors=True)


def end_all(folder: str, owner: int) -> None:
    """Kills until nobody but the owner is found twice in a row: one of them may have been starting another."""
    deadline, nobody = time.monotonic() + TRY_SECONDS, 0
    while nobody < 2 and time.monotonic() < deadline:
        found = users_of(folder) - {owner, os.getpid()}
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        nobody = 0 if found else nobody + 1
        time.sleep(LOOK_SECONDS)


def users_of(folder: str) -> set[int]:
    """The processes that have a file in this folder open."""
    processes = os.listdir("/proc") if os.path.isdir("/proc") else []
    return {int(one) for one in processes if one.isdigit() and uses(f"/proc/{one}/fd", folder + "/")}


def uses(descriptors: str, folder: str) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(descriptors):
            with contextlib.suppress(OSError):
                if os.readlink(f"{descriptors}/{descriptor}").startswith(folder):
                    return True
    return False


if __name__ == "__main__":
    main()
