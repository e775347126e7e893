"""Answers that are programs: run in the sandbox on their tests' inputs, compared with the expected outputs outside it.

The rules are LiveCodeBench's: printed lines are equal without the white space around them, or number by number; a
function's result is equal as JSON; a program that fails on one test has failed.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.code import NOT_STARTED, Verdict
from genius_bench.evaluation.graders.values import long_integers
from genius_bench.evaluation.program_tests import ProgramTest

MODULES = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "typing", "builtins"),
)
"""What LiveCodeBench imports for every program, by name and with all their names; the last have the last word."""
PRELUDE = "\n".join(
    [f"from {name} import *" for name in MODULES]
    + [f"import {', '.join(MODULES)}", "sys.setrecursionlimit(50000)", ""]
)
LIMITS = sandbox.Limits(
    wall_seconds=300.0, test_seconds=20.0, cpu_seconds=6, output_bytes=32 * 2**20, memory_bytes=2**30
)
"""LiveCodeBench gives each test six seconds. We count them on the processor's clock: a busy machine must not turn right
programs into slow ones. The worst case for memory is 6 GiB for each program that runs at a time."""

LONGEST_SPELLING = 16
"""A JSON text has at most so many characters where an equal one has one (escapes, fractions)."""


@dataclass(frozen=True)
class ProgramSubmission:
    """A program, its tests (all of one kind), and the function that functional tests call."""

    code: str
    tests: tuple[ProgramTest, ...]
    function: str | None = None


def grade(
    submissions: Sequence[ProgramSubmission], *, limits: sandbox.Limits = LIMITS, unsafe: bool = False
) -> list[Verdict]:
    """For each submission: whether it gives the expected output on every test. Equal ones are run once."""
    distinct = list(dict.fromkeys(submissions))
    scripts = [_script(submission) for submission in distinct]
    outcomes = sandbox.run(scripts, limits, unsafe=unsafe)
    verdicts = {
        submission: _verdict(submission, outcome)
        for submission, outcome in zip(distinct, outcomes, strict=True)
    }
    return [verdicts[submission] for submission in submissions]


def _script(submission: ProgramSubmission) -> sandbox.Script:
    if not submission.tests:
        raise ValueError("a submission needs tests: without any, everything would pass")
    if {test.kind for test in submission.tests} != {"functional" if submission.function else "stdin"}:
        raise ValueError("functional tests need a function, others must not have one")
    inputs = tuple(test.input for test in submission.tests)
    return sandbox.Script(submission.code, inputs, submission.function, PRELUDE)


def _verdict(submission: ProgramSubmission, outcome: sandbox.Outcome) -> Verdict:
    if not outcome.started:
        return NOT_STARTED
    for index, test in enumerate(submission.tests):
        if index not in outcome.results:
            return Verdict(False, outcome.problem or "no output")
        same = same_result if test.kind == "functional" else same_output
        if not same(outcome.results[index], test.output):
            return Verdict(False, f"wrong output on test {index}")
    return Verdict(True, None)


def same_result(result: str, expected: str) -> bool:
    """Whether two JSON texts hold equal values, as Python compares them (1 equals 1.0)."""
    if len(result) > 1000 + LONGEST_SPELLING * len(expected):
        return False
    try:
        with long_integers():
            return bool(json.loads(result) == json.loads(expected))
    except (ValueError, RecursionError):
        return False


def same_output(printed: str, expected: str) -> bool:
    """Whether all lines agree: as text without the white space around them, or as numbers of the same values. One at a
    time: an output of megabytes would take a gigabyte as numbers."""
    pairs = zip_longest(_lines(printed.strip()), _lines(expected.strip()))
    return all(a is not None and b is not None and (a == b or _same_numbers(a, b)) for a, b in pairs)


def _lines(text: str) -> Iterator[str]:
    return (line[0].strip() for line in re.finditer(r"^.*$", text, re.MULTILINE))


def _same_numbers(ours: str, theirs: str) -> bool:
    words = zip_longest(re.finditer(r"\S+", ours), re.finditer(r"\S+", theirs))
    try:
        return all(a is not None and b is not None and Decimal(a[0]) == Decimal(b[0]) for a, b in words)
    except InvalidOperation:
        return False
