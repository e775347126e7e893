"""OpenCompass' evaluation of programs, shut in: it runs what the model wrote with all its own rights.

The whole phase runs in bubblewrap: no network, OpenCompass' environment and the items read-only, one folder to write
in. Its results come back as an archive over a pipe, so that nothing that the programs leave behind is ever opened
here but files of that archive. A program can still spoil the results of its own run, which it shares a sandbox with.
"""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation import sandbox
from genius_bench.opencompass.environment import python_of
from genius_bench.opencompass.processes import leashed
from genius_bench.opencompass.run import JOB, SHIM, Job, command, variables

NOBODY = sandbox.NOBODY
WORK, INPUT, SHIM_INSIDE = (f"/genius-bench-sandbox/{name}" for name in ("work", "input", "shim"))
"""A name that hides nothing: the environment, wherever it lies, is shown at its own path."""
RESULTS_BYTES = 2**30
MEMORY_BYTES = 16 * 2**30
"""Per process; LiveCodeBench's own limit for a program is 4 GiB."""
PROCESSES = 1024
CONFIGURATION_INSIDE = f"{INPUT}/configuration.py"

LIMITS = [
    *("/usr/bin/prlimit", f"--as={MEMORY_BYTES}", f"--nproc={PROCESSES}:{PROCESSES}"),
    *("--nofile=4096", "--core=0", "--"),
]
MOUNT_AND_DROP = (
    'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; '
    f'exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@"'
)
"""Root's folders cannot be read by the user that programs run as: they are shown to it in a mount namespace."""


def why_not() -> str | None:
    """None when a phase can be run shut in here, else the reason."""
    return sandbox.available() or (_why_not_as_root() if os.geteuid() == 0 else None)


@cache
def _why_not_as_root() -> str | None:
    """Root needs to show its folders to the unprivileged user."""
    for program in ("unshare", "setpriv", "mount"):
        if shutil.which(program) is None:
            return f"no sandbox for root (the program '{program}' is missing: util-linux)"
    with TemporaryDirectory() as folder:
        test = [*_as_nobody([(folder, folder)]), "true"]
        done = subprocess.run(test, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no sandbox for root ({(done.stderr.strip() or 'mounting is not allowed').splitlines()[-1]})"
    return None


def evaluate_shut_in(job: Job, seconds: float) -> None:
    """Runs the phase `eval` of a job in the sandbox and puts its results and logs where a plain run would.

    It is ended after `seconds`: OpenCompass limits each program, but a program can tamper with what limits it.
    Raises `GeniusBenchError` when the archive that comes back is none.
    """
    python = python_of(job.environment)
    outer = Path(os.path.realpath(python)).parents[1]
    with _prepared(job) as (work, given):
        shown = {str(job.environment): job.environment, SHIM_INSIDE: SHIM, INPUT: given}
        shown[f"{INPUT}/data"] = job.folder / "data"
        if not outer.is_relative_to("/usr"):
            shown[str(outer)] = outer
        with _startable(shown, work) as (prefix, sources, writable):
            line = [*prefix, *_bubblewrap(sources, writable, python), *_inside(python)]
            archive = work.with_name("results.tar")
            with (
                leashed(
                    line,
                    log=job.log("eval"),
                    environment={"PATH": os.environ.get("PATH", os.defpath)},
                    folder=work,
                    output=archive,
                ) as process,
                suppress(subprocess.TimeoutExpired),
            ):
                process.wait(seconds)
        _unpack(archive, job.output)


@contextmanager
def _prepared(job: Job) -> Iterator[tuple[Path, Path]]:
    """A folder that the unprivileged user may write, and one with all that the phase reads."""
    with TemporaryDirectory(prefix="sandbox-", dir=job.folder) as temporary:
        work, given = Path(temporary) / "work", Path(temporary) / "input"
        work.mkdir()
        given.mkdir()
        (given / "data").mkdir()  # where the items are shown: those of LiveCodeBench are too many to copy
        shutil.copyfile(job.configuration, given / "configuration.py")
        shutil.copytree(job.output / "predictions", given / "out" / JOB / "predictions")
        if os.geteuid() == 0:
            os.chown(work, NOBODY, NOBODY)
        yield work, given


@contextmanager
def _startable(shown: dict[str, Path], work: Path) -> Iterator[tuple[list[str], dict[str, Path], Path]]:
    """How to start bubblewrap, and the places that it then finds the folders at."""
    if os.geteuid() != 0:
        yield [], shown, work
        return
    with TemporaryDirectory(prefix="genius-bench-shown-") as temporary:
        os.chmod(temporary, 0o755)
        places = {inside: Path(temporary) / str(number) for number, inside in enumerate(shown)}
        writable = Path(temporary) / "work"
        for place in (*places.values(), writable):
            place.mkdir()
        pairs = [(str(shown[inside]), str(place)) for inside, place in places.items()]
        yield _as_nobody([*pairs, (str(work), str(writable))]), places, writable


def _as_nobody(mounts: list[tuple[str, str]]) -> list[str]:
    flat = [path for pair in mounts for path in pair]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT_AND_DROP, "sh", *flat, "--"]


OUTER = """--unshare-all --unshare-user --die-with-parent --new-session --cap-drop ALL --clearenv
    --hostname sandbox"""
SYSTEM = """--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib
    --symlink usr/lib64 /lib64 --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache --proc /proc --dev /dev
    --size 268435456 --tmpfs /dev/shm --remount-ro /dev --size 1073741824 --tmpfs /tmp"""


def _bubblewrap(shown: dict[str, Path], work: Path, python: Path) -> list[str]:
    line = ["bwrap", *OUTER.split(), "--uid", str(NOBODY), "--gid", str(NOBODY)]
    for name, value in (variables(INPUT, SHIM_INSIDE, python) | {"HOME": f"{WORK}/home"}).items():
        line += ["--setenv", name, value]
    line += SYSTEM.split()
    for inside, outside in shown.items():
        line += ["--ro-bind", str(outside), inside]
    return [*line, "--bind", str(work), WORK, "--remount-ro", "/", "--chdir", WORK, "--"]


def _inside(python: Path) -> list[str]:
    """Copies the answers, has them evaluated (its output goes to the log) and hands out what came of it."""
    script = (
        f"mkdir -p {WORK}/home && cp -r {INPUT}/out {WORK}/out && "
        f'{{ "$@" >&2; cd {WORK}/out/{JOB} && mkdir -p results logs && exec tar -c results logs; }}'
    )
    return [*LIMITS, "/bin/sh", "-c", script, "sh", *command(python, CONFIGURATION_INSIDE, "eval")]


def _unpack(archive: Path, output: Path) -> None:
    """Ordinary JSON and log files only, none of them outside of `output`."""
    size = archive.stat().st_size if archive.exists() else 0
    if size == 0:
        return  # the reason is in the log, which whoever misses the results shows
    if size > RESULTS_BYTES:
        raise GeniusBenchError(f"the evaluation of programs gave {size} bytes of results: not read")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as files:
            for one in files:
                path = (output / one.name).resolve()
                content = files.extractfile(one) if one.isfile() else None
                if content and path.suffix in (".json", ".out") and path.is_relative_to(output.resolve()):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
    except (tarfile.TarError, OSError, ValueError) as error:
        raise GeniusBenchError(f"the evaluation of programs gave no readable results: {error}") from error
