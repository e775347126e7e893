"""Programs that try to pass without computing, to get out, or to break the machine: none passes, none outstays.

The task is f(2) = 7, f(5) = 16, f(9) = 28 (`hostile/scripts.txt`: the same from standard input to standard output). A
file outside holds just these answers, so a program that gets out passes and is caught.
"""

import json
import os
import platform
import signal
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders import code, programs
from genius_bench.evaluation.program_tests import ProgramTest

pytestmark = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))

FOLDER = Path(__file__).with_name("hostile")
ANSWERS = {2: 7, 5: 16, 9: 28}
TESTS = ("assert f(2) == 7", "assert f(5) == 16", "assert abs(f(9) - 28) < 1e-6")
SCRIPT_TESTS = tuple(ProgramTest(f"{given}\n", f"{answer}\n", "stdin") for given, answer in ANSWERS.items())
LIMITS = sandbox.Limits(wall_seconds=3.0, test_seconds=2.5, cpu_seconds=2)
HELD_OTHERWISE = {
    *("shared zeros", "names without bytes", "folders in shared memory", "hard links", "symbolic links"),
    *("timers without end", "signals without end"),
}
"""What keeps memory and is stopped by a limit or by the file system, not by the filter of system calls."""
NOT_EVERYWHERE = {
    *("calls of another machine", "calls of another convention", "a descriptor of its parent", "keys"),
    *("request rings", "asynchronous requests", "rules about files", "faults of memory", "memory policies"),
    *("huge pages", "watches of everything", "message queues", "named message queues", "semaphores"),
    *("a socket to the machine's host", "namespaces of a child", "namespaces of a child by the newer call"),
}
"""What some kernels are built or set up without."""
SLACK_SECONDS = 8.0
"""For starting and clearing up on a busy machine, and for a second sandbox that settles comparisons."""


def collection(name: str) -> dict[str, str]:
    """Name → code of the programs in a file, each headed by a line `#: name`."""
    text = (FOLDER / f"{name}.txt").read_text()
    blocks = (block.split("\n", 1) for block in text.removeprefix("#: ").split("\n#: "))
    return {f"{name}: {title}": body for title, body in blocks}


def forged(text: str) -> str:
    """A program that writes the value of an expression (of `i`) as the result of each call, into whatever is open."""
    line = f"""(f'[{{i}}, "value", "%s"]\\n' % ({text})).encode()"""
    return f"""
import os
for d in range(3, 20):
    try:
        for i in range(3): os.write(d, {line})
    except OSError: pass
os._exit(0)
"""


VALUES = {name: forged(text) for name, text in collection("values").items()}
KEEPING = collection("keeping")
FUNCTIONS = collection("forging") | collection("exhausting") | collection("escaping") | KEEPING | VALUES
SCRIPTS = collection("scripts")


@dataclass
class Host:
    """What a program that gets out would find: a file with the answers, and sockets that note who calls."""

    folder: Path
    port: int
    calls: list[str] = field(default_factory=list)

    @property
    def canary(self) -> Path:
        return self.folder / "canary"

    def prepared(self, text: str) -> str:
        places = {"CANARY": self.canary, "SOCKET": self.folder / "socket", "PORT": self.port}
        for name, place in (places | {"PROJECT": Path(__file__).parents[2]}).items():
            text = text.replace(f"@{name}@", str(place))
        return text


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="outside-") as folder:
        os.chmod(folder, 0o777)
        path = str(Path(folder) / "socket")
        servers = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        found = Host(Path(folder), servers["tcp"].getsockname()[1])
        servers["udp"].bind(("127.0.0.1", found.port))
        servers["unix"].bind(path)
        os.chmod(path, 0o777)
        servers["abstract"].bind(f"\0{path}")
        found.canary.write_text(repr(ANSWERS))
        found.canary.chmod(0o666)
        for name, server in servers.items():
            threading.Thread(target=note_calls, args=(name, server, found.calls), daemon=True).start()
        yield found
        for server in servers.values():
            server.close()


def note_calls(name: str, server: socket.socket, calls: list[str]) -> None:
    if name != "udp":
        server.listen()
    while True:
        try:
            server.recv(9) if name == "udp" else server.accept()
        except OSError:
            return
        calls.append(name)


@dataclass(frozen=True)
class Run:
    verdict: code.Verdict
    seconds: float


@pytest.fixture(scope="module")
def runs(host: Host) -> dict[str, Run]:
    """All hostile programs, a few at a time, and right ones among and after them."""

    def run(name: str) -> Run:
        started = time.monotonic()
        if name in SCRIPTS:
            submission = programs.ProgramSubmission(host.prepared(SCRIPTS[name]), SCRIPT_TESTS)
            [verdict] = programs.grade([submission], limits=replace(LIMITS, output_bytes=32 * 2**20))
        else:
            [verdict] = code.grade(
                [code.Submission(host.prepared(FUNCTIONS[name]), "f", TESTS)], limits=LIMITS
            )
        return Run(verdict, time.monotonic() - started)

    names = [*FUNCTIONS, *SCRIPTS]
    with ThreadPoolExecutor(4) as threads:
        return dict(zip(names, threads.map(run, names), strict=True))


def test_there_are_many() -> None:
    assert len(FUNCTIONS) >= 140
    assert len(SCRIPTS) >= 20


@pytest.mark.parametrize("name", [*FUNCTIONS, *SCRIPTS])
def test_hostile_program_fails_within_its_limits(name: str, runs: dict[str, Run]) -> None:
    assert not runs[name].verdict.correct, runs[name]
    assert not runs[name].verdict.ungraded
    assert (runs[name].verdict.problem or "").isascii()
    assert runs[name].seconds < LIMITS.wall_seconds + SLACK_SECONDS


def test_forged_results_are_read() -> None:
    programs = [sandbox.Program(code, ("f(2)", "f(5)", "f(9)")) for code in VALUES.values()]
    assert all(outcome.results.keys() >= {0, 1, 2} for outcome in sandbox.run(programs, LIMITS))
    answers = sandbox.Program(forged("(7, 16, 28)[i]"), programs[0].expressions)
    assert sandbox.run([answers], LIMITS)[0].results == {0: "7", 1: "16", 2: "28"}


SHARED_OUTPUT = sandbox.DRIVER.replace("os.dup2(nothing, descriptor)", "pass")
ORDINARY_EXIT = sandbox.DRIVER.replace("os._exit(0)", "__import__('atexit')._run_exitfuncs()")


def read_everything(output: bytes) -> tuple[dict[int, str], str | None]:
    lines = map(json.loads, output.decode(errors="ignore").splitlines())
    return {int(index): text for index, kind, text in lines if kind == "value"}, None


@pytest.mark.parametrize(
    ("name", "part", "value"),
    [
        ("prints results", "DRIVER", SHARED_OUTPUT),
        ("garbage collector's last word", "DRIVER", SHARED_OUTPUT),
        ("at exit", "DRIVER", ORDINARY_EXIT),
        ("forged indices", "_results", read_everything),
        ("bytes that are no text", "_results", read_everything),
    ],
)
def test_forgeries_pass_where_one_protection_is_missing(
    name: str, part: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, part, value)
    monkeypatch.setattr(code, "_settled", {})  # what is known of it with all protections
    [verdict] = code.grade([code.Submission(FUNCTIONS[f"forging: {name}"], "f", TESTS)], limits=LIMITS)
    assert verdict.correct, verdict


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the programs know the calls of x86_64")
def test_it_is_the_filter_that_stops_what_keeps_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it they return what they should; what a kernel refuses, it does not refuse for a mistake of theirs."""
    monkeypatch.setattr(sandbox, "call_filter", lambda: struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
    asked = [sandbox.Program(code, ("f(2)", "f(5)", "f(9)")) for code in KEEPING.values()]
    outcomes = dict(zip(KEEPING, sandbox.run(asked, LIMITS), strict=True))
    stopped = {
        name.removeprefix("keeping: "): outcome.problem
        for name, outcome in outcomes.items()
        if outcome.results != {0: "7", 1: "16", 2: "28"}
    }
    assert set(stopped.values()) <= {None, "OSError", "PermissionError"}, stopped
    assert HELD_OTHERWISE <= stopped.keys() <= HELD_OTHERWISE | NOT_EVERYWHERE, stopped


def test_the_host_is_as_it_was(runs: dict[str, Run], host: Host) -> None:
    assert host.calls == []
    assert sorted(os.listdir(host.folder)) == ["canary", "socket"]
    assert host.canary.read_text() == repr(ANSWERS)
    assert not Path("/usr/bin/hostile").exists()


def test_the_sockets_do_note_calls(runs: dict[str, Run], host: Host) -> None:
    socket.create_connection(("127.0.0.1", host.port), 1).close()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(f"\0{host.folder / 'socket'}")
    deadline = time.monotonic() + 5
    while len(host.calls) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(host.calls) == ["abstract", "tcp"]


def test_no_process_is_left_behind(runs: dict[str, Run]) -> None:
    deadline = time.monotonic() + 5
    while (left := our_sandboxes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def our_sandboxes() -> list[str]:
    """Live processes of sandboxes that we started, or that have lost who started them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        ours = b"bwrap\0" in command or b"/usr/bin/python3\0-s\0-c" in command
        if ours and state != "Z" and int(parent) in (1, os.getpid()):
            found.append(f"{status.parent.name}: {command[:80]!r}")
    return found


def test_the_evaluation_goes_on(runs: dict[str, Run]) -> None:
    right = code.Submission("def f(x): return 3 * x + 1", "f", TESTS)
    assert code.grade([right])[0].correct
    printing = programs.ProgramSubmission("print(3 * int(input()) + 1)", SCRIPT_TESTS)
    calling = programs.ProgramSubmission(
        "class Solution:\n    def f(self, x): return 3 * x + 1",
        (ProgramTest("2", "7", "functional"), ProgramTest("5", "16", "functional")),
        "f",
    )
    assert [verdict.correct for verdict in programs.grade([printing, calling])] == [True, True]
    assert signal.getsignal(signal.SIGCHLD) in (signal.SIG_DFL, None)
