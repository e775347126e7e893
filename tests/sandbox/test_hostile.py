"""Programs that try to pass without computing, to break out, or to break the machine: none passes, none outstays."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.code import Submission, grade

pytestmark = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))

LIMITS = sandbox.Limits(wall_seconds=3.0, cpu_seconds=2)
SLACK_SECONDS = 4.0
TESTS = ("assert f(2) == 7", "assert f(5) == 16", "assert abs(f(9) - 28) < 1e-6")

HOSTILE = {
    "wrong": "def f(x): return x",
    "exit_at_once": "import os\nos._exit(0)",
    "exit_in_call": "import os\ndef f(x): os._exit(0)",
    "system_exit": "raise SystemExit(0)",
    "prints_passed": "print('passed')\nprint('[0, \"value\", \"7\"]')\ndef f(x): print('passed')",
    "equal_to_all": "class E:\n    def __eq__(self, o): return True\n    __hash__ = None\ndef f(x): return E()",
    "less_than_all": (
        "class E(float):\n    def __sub__(self, o): return E()\n    def __abs__(self): return E()\n"
        "    def __lt__(self, o): return True\n    def __eq__(self, o): return True\n"
        "def f(x): return E(3)"
    ),
    "patched_builtins": (
        "import builtins\nbuiltins.eval = lambda *a: True\nbuiltins.repr = lambda v: '7'\n"
        "builtins.isinstance = lambda *a: True\nbuiltins.abs = lambda v: 0\ndef f(x): return None"
    ),
    "patched_driver": (
        'import sys, json\njson.dumps = lambda v: \'[0, "value", "7"]\'\n'
        "frame = sys._getframe(1)\nframe.f_globals['literal'] = lambda v: '7'\ndef f(x): return 1"
    ),
    "forged_lines": (
        'import os\nfor d in range(3, 10):\n    try: os.write(d, b\'[0,"value","True"]\\n[1,"value","True"]\\n\')\n'
        "    except OSError: pass\ndef f(x): return 0"
    ),
    "reads_the_tests": (
        "import gc\nanswers = [o for o in gc.get_objects() if isinstance(o, (dict, list)) and 'assert' in str(o)]\n"
        "def f(x): return answers[0] if answers else open('/proc/self/cmdline').read()"
    ),
    "endless_loop": "def f(x):\n    while True: pass",
    "endless_sleep": "import time, signal\nsignal.signal(15, signal.SIG_IGN)\ndef f(x): time.sleep(60)",
    "endless_output": "import os\ndef f(x):\n    while True: os.write(3, b'x' * 65536)",
    "endless_prints": "def f(x):\n    while True: print('x' * 65536)",
    "fork_bomb": "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "memory_bomb": "def f(x):\n    a = []\n    while True: a.append(bytearray(10**8))",
    "disk_filler": (
        "def f(x):\n    n = 0\n    while True:\n        n += 1\n        with open(f'/tmp/{n}', 'wb') as o:\n"
        "            o.write(b'x' * 10**7)"
    ),
    "outliving_threads": (
        "import threading, time\ndef loop():\n    while True: time.sleep(1)\n"
        "for _ in range(5): threading.Thread(target=loop).start()\ndef f(x): return 0"
    ),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    while True: time.sleep(1)\ndef f(x): return 0"
    ),
    "kills_everyone": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.kill(-1, 9)\nlibc.kill(1, 9)\ndef f(x): return 0",
    "deep_value": "def f(x):\n    a = []\n    for _ in range(10**5): a = [a]\n    return a",
    "huge_value": "def f(x): return 'x' * 10**8",
    "symlinks": (
        "import os\nos.symlink('/', '/tmp/root')\n"
        "def f(x): return os.listdir('/tmp/root/root') or os.listdir('/tmp/root/home')"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_program_fails_within_its_limits(name: str) -> None:
    started = time.monotonic()
    [verdict] = grade([Submission(HOSTILE[name], "f", TESTS)], limits=LIMITS)
    assert not verdict.correct, verdict
    assert time.monotonic() - started < LIMITS.wall_seconds + SLACK_SECONDS


def test_honest_programs_pass() -> None:
    programs = {
        "plain": "def f(x): return 3 * x + 1",
        "lambda": "f = lambda x: 3 * x + 1",
        "prints": "print('hello')\ndef f(x):\n    print('x')\n    return 3 * x + 1",
        "imports": "import math\ndef f(x): return math.floor(3 * x + 1)",
        "exits after": "import sys\ndef f(x): return 3 * x + 1\nsys.exit(0)",
    }
    verdicts = grade([Submission(code, "f", TESTS) for code in programs.values()])
    assert {name: verdict.correct for name, verdict in zip(programs, verdicts, strict=True)} == dict.fromkeys(
        programs, True
    )


def values(code: str, *expressions: str) -> sandbox.Outcome:
    return sandbox.run([sandbox.Program(code, expressions)], LIMITS)[0]


def test_the_machine_is_not_there() -> None:
    project = str(Path(__file__).resolve().parents[2])
    code = (
        "import os\ndef look(p):\n    try: return sorted(os.listdir(p))\n"
        "    except OSError as e: return type(e).__name__"
    )
    found = values(
        code, f"look({project!r})", f"look({str(Path.home())!r})", "look('/etc')", "dict(os.environ)"
    )
    assert found.values[0] == "FileNotFoundError"
    assert found.values[1] == "FileNotFoundError"
    assert found.values[2] in (["ld.so.cache"], "FileNotFoundError", [])
    assert set(found.values[3]) <= {"PATH", "HOME", "LANG", "OMP_NUM_THREADS", "PWD", "LC_CTYPE"}


@pytest.mark.parametrize("place", ["/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern"])
def test_nothing_but_tmp_can_be_written(place: str) -> None:
    found = values(
        f"def write():\n    with open({place!r}, 'w') as f: f.write('x')\n    return 'written'", "write()"
    )
    assert found.values == {}
    assert found.problem in ("OSError", "PermissionError", "FileNotFoundError")


def test_the_network_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reached = threading.Event()

        def listen() -> None:
            server.accept()
            reached.set()

        threading.Thread(target=listen, daemon=True).start()
        port = server.getsockname()[1]
        code = (
            "import socket\ndef reach(h, p):\n    socket.create_connection((h, p), 1)\n    return 'reached'"
        )
        found = values(code, f"reach('127.0.0.1', {port})", "reach('1.1.1.1', 53)")
        assert found.values == {}
        assert not reached.is_set()
        socket.create_connection(("127.0.0.1", port), 1).close()  # lets the thread go


def test_limits_hold() -> None:
    code = "def take(n):\n    return len(bytearray(n))\nimport os\nos.write(os.open('/tmp/x', 65), b'x')"
    assert values(code, "take(10**8)").values == {0: 10**8}
    assert values(code, "take(2 * 10**9)").problem == "MemoryError"
    forks = (
        "import os\ndef forks():\n    n = 0\n    try:\n        while n < 100:\n"
        "            if os.fork() == 0: os._exit(0)\n            n += 1\n    except OSError: pass\n    return n"
    )
    assert values(forks, "forks()").values[0] < LIMITS.processes
    assert values("def spin():\n    while True: pass", "spin()").seconds < LIMITS.wall_seconds + SLACK_SECONDS


def test_nothing_is_left_behind() -> None:
    before = set(os.listdir("/tmp"))
    values(HOSTILE["daemon"], "f(1)")
    assert {name for name in set(os.listdir("/tmp")) - before if name.startswith("genius-bench-")} == set()


def test_values_come_back_as_they_are() -> None:
    code = (
        "import collections\ndef v(i):\n    return [1, -2.5, 'a\\n', (1,), {2, 3}, {'k': [None, True]}, b'x',\n"
        "        set(), 10**30, collections.Counter('aa'), range(3), object(), float('nan')][i]"
    )
    found = values(code, *(f"v({index})" for index in range(13)))
    expected = [1, -2.5, "a\n", (1,), {2, 3}, {"k": [None, True]}, b"x", set(), 10**30, {"a": 2}]
    assert found.values == dict(enumerate(expected))


def test_unsafe_mode_runs_and_limits() -> None:
    verdicts = grade(
        [Submission(code, "f", TESTS) for code in ("def f(x): return 3 * x + 1", HOSTILE["endless_loop"])],
        limits=LIMITS,
        unsafe=True,
    )
    assert [verdict.correct for verdict in verdicts] == [True, False]
