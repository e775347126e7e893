"""Runs a command that ends when its owner ends: `python leash.py READ_END COMMAND …`.

The owner holds the other end of a pipe and never writes to it. When the pipe closes, because the owner is done or was
killed, the command's whole process group is ended: politely first, by force after some seconds. The same when this
process is told to end. Exit code: the command's own. Standard library only; it also runs outside our environment.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

POLITE_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def main() -> int:
    owner, command = int(sys.argv[1]), sys.argv[2:]
    process = subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(_end(process)))
    while process.poll() is None:
        if select.select([owner], [], [], 0.1)[0]:
            return _end(process)
    _kill_group(process, signal.SIGKILL)  # what the command may have left behind
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _die_with_parent() -> None:
    """Where this process itself is killed (Linux): its command must not live on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> int:
    _kill_group(process, signal.SIGTERM)
    deadline = time.monotonic() + POLITE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    _kill_group(process, signal.SIGKILL)
    process.wait()
    return 143


def _kill_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main())
