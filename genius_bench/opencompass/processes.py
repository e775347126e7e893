"""Child processes that never outlive the harness, whatever ends it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")


@contextmanager
def leashed(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    output: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs `command` in `folder` with nothing but `environment`, its messages appended to `log`.

    What it writes to standard output goes there too, or into the new file `output`. On leaving, by whatever way, the
    command and all it started are ended.
    """
    read_end, write_end = os.pipe()
    try:
        with ExitStack() as files:
            messages = files.enter_context(log.open("ab"))
            process = subprocess.Popen(
                [sys.executable, "-I", str(LEASH), str(read_end), *command],
                stdin=subprocess.DEVNULL,
                stdout=files.enter_context(output.open("wb")) if output else messages,
                stderr=messages,
                cwd=folder,
                env=dict(environment),
                pass_fds=(read_end,),
                start_new_session=True,
            )
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    try:
        yield process
    finally:
        os.close(write_end)
        process.wait()


def last_lines(path: Path, count: int = 5) -> str:
    """The end of a log, in one line; "" where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return " | ".join(lines[-count:])
