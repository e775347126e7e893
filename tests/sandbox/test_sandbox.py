"""What programs are given to see and to use, and that what they compute comes out as it is."""

import ast
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.code import Submission, grade
from genius_bench.evaluation.sandbox import Limits, Outcome, Program, Script

pytestmark = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))

LIMITS = Limits(wall_seconds=8.0, test_seconds=3.0, cpu_seconds=2)
TESTS = ("assert f(2) == 7", "assert f(5) == 16", "assert abs(f(9) - 28) < 1e-6")


def run(code: str, *expressions: str, setup: str = "") -> Outcome:
    return sandbox.run([Program(code, expressions, setup)], LIMITS)[0]


def values(code: str, *expressions: str) -> dict[int, Any]:
    return {index: ast.literal_eval(text) for index, text in run(code, *expressions).results.items()}


def script(code: str, *inputs: str, function: str | None = None) -> Outcome:
    return sandbox.run([Script(code, inputs, function)], LIMITS)[0]


def test_honest_programs_pass() -> None:
    programs = {
        "plain": "def f(x): return 3 * x + 1",
        "lambda": "f = lambda x: 3 * x + 1",
        "prints": "print('hello')\ndef f(x):\n    print('x')\n    return 3 * x + 1",
        "imports": "import math\ndef f(x): return math.floor(3 * x + 1)",
        "exits after": "import sys\ndef f(x): return 3 * x + 1\nsys.exit(0)",
        "dataclass": (
            "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\n"
            "class P:\n    x: int\ndef f(x): return 3 * P(x).x + 1"
        ),
    }
    verdicts = grade([Submission(code, "f", TESTS) for code in programs.values()])
    assert {name: verdict.correct for name, verdict in zip(programs, verdicts, strict=True)} == dict.fromkeys(
        programs, True
    )


def test_the_machine_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENIUS_BENCH_SECRET", "secret")
    project = str(Path(__file__).resolve().parents[2])
    code = (
        "import os, glob\ndef look(p):\n    try: return sorted(os.listdir(p))\n"
        "    except OSError as e: return type(e).__name__"
    )
    found = values(
        code,
        *(f"look({place!r})" for place in (project, str(Path.home()), "/etc", "/proc/1", "/tmp")),
        "dict(os.environ)",
        "[path for path in glob.glob('/proc/*/environ') if 'SECRET' in open(path).read()]",
    )
    assert found[0] == found[1] == "FileNotFoundError"
    assert found[2] in (["ld.so.cache"], "FileNotFoundError", [])
    assert found[3] == found[4] == found[6] == []
    names = {"PATH", "HOME", "LANG", "OMP_NUM_THREADS", "PYTHONHASHSEED", "PWD", "LC_CTYPE"}
    assert set(found[5]) <= names


@pytest.mark.parametrize("place", ["/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern"])
def test_nothing_but_tmp_can_be_written(place: str) -> None:
    found = run(
        f"def write():\n    with open({place!r}, 'w') as f: f.write('x')\n    return 'written'", "write()"
    )
    assert found.results == {}
    assert found.problem in ("OSError", "PermissionError", "FileNotFoundError")


def test_limits_hold() -> None:
    code = "import os\ndef take(n):\n    return len(bytearray(n))\nos.write(os.open('/tmp/x', 65), b'x')"
    assert values(code, "take(10**8)") == {0: 10**8}
    assert run(code, "take(2 * 10**9)").problem == "MemoryError"
    forks = (
        "import os\ndef forks():\n    n = 0\n    try:\n        while n < 100:\n"
        "            if os.fork() == 0: os._exit(0)\n            n += 1\n    except OSError: pass\n    return n"
    )
    assert values(forks, "forks()")[0] < LIMITS.processes
    spin = Program("def spin():\n    while True: pass", ("spin()",))
    assert sandbox.run([spin], replace(LIMITS, wall_seconds=60.0))[0].problem == "killed (SIGKILL)"


def test_memory_that_no_limit_counts_is_refused() -> None:
    code = "import os, ctypes\ndef shared(): return ctypes.CDLL(None).shmget(0, 4096, 0o1600)"
    found = run(code, "shared()", "os.memfd_create('x')")
    assert found.results == {0: "-1"}
    assert found.problem == "PermissionError"


def test_nothing_is_left_behind() -> None:
    before = set(os.listdir("/tmp"))
    run("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)", "1")
    assert {name for name in set(os.listdir("/tmp")) - before if name.startswith("genius-bench-")} == set()


def test_values_come_back_as_they_are() -> None:
    expected = [1, -2.5, "a\n", (1,), {2, 3}, {"k": [None, True]}, b"x", set(), 10**30, (), 2 + 1j, {1, 2}]
    code = f"v = {expected!r}\nv[-1] = {{1: 0, 2: 0}}.keys()"
    assert values(code, *(f"v[{index}]" for index in range(len(expected)))) == dict(enumerate(expected))


def test_values_equal_to_others_in_ways_of_their_own_keep_their_type() -> None:
    code = "from collections import *\nfrom decimal import *\nfrom fractions import *"
    texts = [
        "Counter({'a': 2})",
        "OrderedDict([('a', 1,)])",
        "deque([1])",
        "Decimal('0.5')",
        "Fraction('1/2')",
    ]
    assert list(run(code, *texts).results.values()) == texts


def test_values_that_are_no_literals_come_back_as_what_can_be_told_of_them() -> None:
    code = """
import re, itertools
class Empty:
    def __len__(self): return 0
def failing():
    yield 1
    raise OSError
"""
    told = {
        "range(1, 9, 2)": "range(1, 9, 2)",
        "(i for i in 'ab')": "_generated(['a', 'b'], True)",
        "map(str, [1])": "_generated(['1'], True)",
        "failing()": "_generated([1], False)",
        "re.match('a', 'a')": "_thing(True)",
        "object()": "_thing(True)",
        "{1: 2}.values()": "_thing(True, [2])",
        "bytearray(b'x')": "bytearray(b'x')",
    }
    assert list(run(code, *told).results.values()) == list(told.values())
    [endless] = run(code, "itertools.count()").results.values()
    assert endless.startswith("_generated([0, 1, 2, ")
    assert endless.endswith("], False)")
    assert run(code, "Empty()").results == {}


def test_the_order_of_a_set_is_always_the_same() -> None:
    programs = [Program("", ("list({'a', 'b', 'c', 'd', 'e'})",)) for _ in range(4)]
    assert len({outcome.results[0] for outcome in sandbox.run(programs, LIMITS)}) == 1


def test_setup_may_use_the_programs_names() -> None:
    assert run("class A:\n    x = 3", "a.x", setup="a = A()").results == {0: "3"}


def test_a_script_starts_afresh_on_each_input() -> None:
    code = "import sys\nsys.count = getattr(sys, 'count', 0) + 1\nprint(sys.count, input(), __name__)"
    assert script(code, "a", "b").results == {0: "1 a __main__\n", 1: "1 b __main__\n"}


@pytest.mark.parametrize(
    "code",
    [
        "print(int(input()) + 1)",
        "import sys\nprint(int(sys.stdin.read()) + 1)\nsys.exit(3)",
        "import sys\nsys.stdout.write(str(int(sys.stdin.readline()) + 1))\nraise SystemExit",
        "import os\nos.write(1, b'%d' % (int(os.read(0, 99)) + 1))",
        "import sys\nfor line in sys.stdin.buffer: print(int(line) + 1)",
        "print(int(open(0).read()) + 1)\nexit()",
        "import atexit\natexit.register(print, int(input()) + 1)",
        "import threading\nthreading.Thread(target=lambda: print(int(input()) + 1)).start()",
        "if __name__ == '__main__':\n    print(int(input()) + 1)",
    ],
)
def test_ways_to_read_and_print(code: str) -> None:
    assert [text.strip() for text in script(code, "7\n", "8").results.values()] == ["8", "9"]


def test_a_script_ends_with_the_first_input_that_goes_wrong() -> None:
    found = script("print(1 / int(input()))", "1", "0", "1")
    assert found.results == {0: "1.0\n"}
    assert found.problem == "ZeroDivisionError: division by zero"
    assert script("import os\nos.abort()", "1").problem == "killed (Aborted)"
    assert script("import time\ntime.sleep(60)", "1").problem == "timeout"


def test_many_inputs_do_not_run_out_of_descriptors() -> None:
    assert len(script("print(input())", *map(str, range(LIMITS.open_files * 2))).results) > LIMITS.open_files


@pytest.mark.parametrize(
    "code", ["class Solution:\n    def f(self, a, b): return a, [b]", "f = lambda a, b: (a, [b])"]
)
def test_functions_take_json_and_give_json(code: str) -> None:
    found = script(code, '1\n{"x": null}', '"é"\n2.5', function="f")
    assert found.results == {0: '[1, [{"x": null}]]', 1: '["\\u00e9", [2.5]]'}


def test_what_json_cannot_hold_is_no_result() -> None:
    assert script("def f(x): return [(x,)]", "1", function="f").results == {0: '[{"tuple": [1]}]'}
    assert script("def f(x): return {x}", "1", function="f").problem == "TypeError: set"
    assert script("def g(x): return x", "1", function="f").problem == "KeyError: 'f'"


def test_a_process_of_its_own_runs_and_a_pool_is_one_too_many() -> None:
    # It leaves at once: how a pool that was never whole is put away is Python's affair, and may take long.
    caught = "except RuntimeError as error:\n    print(error, flush=True)\nos._exit(0)"
    code = f"import multiprocessing as m, os\ntry:\n    m.Pool(1)\n{caught}"
    assert script(code, "").results == {0: "can't start new thread\n"}
    code = "import multiprocessing as m\nq = m.Queue()\np = m.Process(target=q.put, args=(int(input()),))\np.start()"
    assert script(f"{code}\nprint(q.get())\np.join()", "6").results == {0: "6\n"}


def test_an_environment_without_a_path_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    assert script("print(input())", "a").results == {0: "a\n"}


def test_unsafe_mode_runs_and_limits() -> None:
    endless = "def f(x):\n    while True: pass"
    codes = ("def f(x): return 3 * x + 1", endless)
    verdicts = grade([Submission(code, "f", TESTS) for code in codes], limits=LIMITS, unsafe=True)
    assert [verdict.correct for verdict in verdicts] == [True, False]
    programs = [Script("print(input())", ("a", "b")), Script("while True: pass", ("a",))]
    found = sandbox.run(programs, LIMITS, unsafe=True)
    assert [outcome.results for outcome in found] == [{0: "a\n", 1: "b\n"}, {}]
