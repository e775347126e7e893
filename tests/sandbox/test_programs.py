"""Programs as answers: which code is taken, when outputs are equal, and how a row's tests are read."""

import base64
import json
import pickle
import subprocess
import sys
import zlib
from typing import Any

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.blocks import program
from genius_bench.evaluation.graders.programs import (
    ProgramSubmission,
    grade,
    same_output,
    same_result,
)
from genius_bench.evaluation.program_tests import ProgramTest, function_name, read_tests

needs_sandbox = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))
CODE = "n = int(input())\nprint(n + 1)"
TESTS = (ProgramTest("1\n", "2\n", "stdin"), ProgramTest("5", "6", "stdin"))


@pytest.mark.parametrize(
    "answer",
    [
        CODE,
        f"Here:\n```python\n{CODE}\n```\nIt adds one.",
        f"```python\nprint(1)\n```\nBetter:\n```\n{CODE}\n```",
        f"```Python3 \n{CODE}\n```",
        f"```python\nprint(1)\n```\nBetter:\n```python\n{CODE}",
    ],
)
def test_the_last_block_is_the_program(answer: str) -> None:
    assert program(answer, None) == CODE


@pytest.mark.parametrize("answer", ["", "The answer is 3.", "```python\n```", "print(1"])
def test_no_code_is_a_format_failure(answer: str) -> None:
    assert program(answer, None) is None


@pytest.mark.parametrize(
    ("printed", "expected", "equal"),
    [
        ("1 2\n3\n", "1 2\n3", True),
        ("1 2 \n 3", "1 2\n3\n", True),
        ("1.50 2", "1.5 2.0", True),
        ("1e3", "1000", True),
        ("0.30000000000000004", "0.3", False),
        ("1 2", "1\n2", False),
        ("1  2", "1 2", True),
        ("a  b", "a b", False),
        ("Yes", "YES", False),
        ("1\n\n2", "1\n2", False),
        ("", "", True),
        ("", "0", False),
        ("nan", "1", False),
        ("sNaN", "1", False),
        ("1", "sNaN 1", False),
        ("1 2", "1", False),
        ("1", "1 2", False),
        ("1\n2", "1", False),
        ("1 \t2", "1.0 2", True),
        (f"1{'0' * 6000}", f"1{'0' * 6000}.0", True),
    ],
)
def test_output_is_compared_as_livecodebench_does(printed: str, expected: str, equal: bool) -> None:
    assert same_output(printed, expected) is equal


@pytest.mark.parametrize(
    ("result", "expected", "equal"),
    [
        ("[1, 2]", "[1.0,2]", True),
        ("true", "1", True),
        ('[{"tuple": [1]}]', "[[1]]", False),
        ('"1"', "1", False),
        ("NaN", "NaN", False),
        ("[" * 10**5, "1", False),
        ("9" * 10**5, "1", False),
        ("", "null", False),
        ("1" + "0" * 9999, "1" + "0" * 9999 + ".0", False),
        ("[1" + "0" * 9999 + "]", "[ 1" + "0" * 9999 + "]", True),
        ("1" + "0" * 9999, "2" + "0" * 9999, False),
    ],
)
def test_results_are_equal_as_values(result: str, expected: str, equal: bool) -> None:
    assert same_result(result, expected) is equal


@needs_sandbox
def test_integers_may_have_fifty_thousand_digits() -> None:
    """As in LiveCodeBench; 2**20000 has the digit sum 26,995."""
    printing = "print(10 ** int(input()))"
    asked = [
        ProgramSubmission(printing, (ProgramTest("4300", "1" + "0" * 4300, "stdin"),)),
        ProgramSubmission(
            "print(sum(map(int, str(2 ** int(input())))))", (ProgramTest("20000", "26995", "stdin"),)
        ),
        ProgramSubmission(printing, (ProgramTest("50000", "1" + "0" * 50000, "stdin"),)),
        ProgramSubmission(
            "f = lambda n: 10 ** n", (ProgramTest("9999", "1" + "0" * 9999, "functional"),), "f"
        ),
        ProgramSubmission(
            "f = lambda n: n + 1", (ProgramTest("9" * 9999, "1" + "0" * 9999, "functional"),), "f"
        ),
    ]
    before = sys.get_int_max_str_digits()
    assert [verdict.correct for verdict in grade(asked)] == [True, True, False, True, True]
    assert sys.get_int_max_str_digits() == before


WEIGHING = """
import resource
from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders import programs
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{}
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    "work",
    [
        "assert programs.same_output('1\\n' * 2**19, '1.0\\n' * 2**19)",
        "assert programs.same_output('1 ' * 2**19, '1.0 ' * 2**19)",
        "assert not programs.same_output('7' + ' 1' * 2**21, '8' + ' 1.0' * 2**20)",
        "assert not programs.same_result('[' + '[],' * 2**22 + '1]', '[1]')",
        "assert sandbox._results(b'[0, \"value\", [' + b'[],' * 2**22 + b'1]]') == ({}, None)",
        "assert sandbox._results(b'\\n' * 2**24) == ({}, None)",
    ],
)
def test_outputs_of_megabytes_take_little_memory(work: str) -> None:
    """MiB above what is there before; as lists of words and numbers it was seventy times the text."""
    command = [sys.executable, "-c", WEIGHING.format(work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert int(done.stdout) < 40


@needs_sandbox
def test_every_test_must_pass() -> None:
    codes = [CODE, "print(2)", "print(int(input()) + 1 if gcd(2, 4) == 2 else deque())", "print(", ""]
    verdicts = grade([ProgramSubmission(code, TESTS) for code in codes])
    assert [verdict.correct for verdict in verdicts] == [True, False, True, False, False]
    assert verdicts[1].problem == "wrong output on test 1"


@needs_sandbox
def test_functions_are_called() -> None:
    tests = (ProgramTest("[1, 2]\n3", "[1, 2, 3]", "functional"), ProgramTest("[]\n1", "[1]", "functional"))
    codes = [
        "class Solution:\n    def add(self, a: List[int], b: int) -> List[int]:\n        return a + [b]",
        "def add(a, b): return (*a, b)",
        "def add(a, b): return [1, 2, 3]",
    ]
    verdicts = grade([ProgramSubmission(code, tests, "add") for code in codes])
    assert [verdict.correct for verdict in verdicts] == [True, True, False]


@pytest.mark.parametrize(("tests", "function"), [((), None), (TESTS, "f")])
def test_tests_that_do_not_fit_are_refused(tests: tuple[ProgramTest, ...], function: str | None) -> None:
    with pytest.raises(ValueError, match="tests"):
        grade([ProgramSubmission(CODE, tests, function)])


ENTRY = {"input": "1\n", "output": "2\n", "testtype": "stdin"}


def packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


def row(**columns: str) -> dict[str, str]:
    return {"question_id": "q7", "public_test_cases": "[]", "private_test_cases": "[]"} | columns


@pytest.mark.parametrize("private", [json.dumps([ENTRY]), packed(json.dumps([ENTRY]))])
def test_public_and_private_tests_are_read(private: str) -> None:
    tests = read_tests(row(public_test_cases=json.dumps([ENTRY]), private_test_cases=private))
    assert tests == [ProgramTest("1\n", "2\n", "stdin")] * 2


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize(
    "columns",
    [
        {"public_test_cases": "[{"},
        {"public_test_cases": '{"input": ""}'},
        {"public_test_cases": json.dumps([ENTRY | {"testtype": "other"}])},
        {"public_test_cases": json.dumps([ENTRY | {"input": 1}])},
        {"public_test_cases": json.dumps([{"input": ""}])},
        {"private_test_cases": "no base64!"},
        {"private_test_cases": base64.b64encode(b"not compressed").decode()},
        {"private_test_cases": packed(json.dumps([ENTRY]))[:40]},
        {"private_test_cases": packed([ENTRY])},
        {"private_test_cases": packed(Evil())},
        {"private_test_cases": packed(json.loads)},
        {"private_test_cases": base64.b64encode(zlib.compress(b"\x80\x04X")).decode()},
        {"private_test_cases": base64.b64encode(zlib.compress(b"garbage")).decode()},
    ],
)
def test_damage_is_told_with_the_rows_name(columns: dict[str, str]) -> None:
    with pytest.raises(InputError, match="row q7"):
        read_tests(row(**columns))


def test_the_function_is_named_by_the_metadata() -> None:
    assert function_name({"metadata": '{"func_name": "f"}'}) == "f"
    assert function_name({"metadata": "{}"}) is None
    with pytest.raises(InputError, match="row q7"):
        function_name(row(metadata="[]"))


def test_a_row_may_have_no_tests() -> None:
    """Such a problem is never solved; the evaluation says how many there are."""
    assert read_tests(row()) == []
