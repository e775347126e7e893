"""Answers that are Python functions: run in the sandbox on their tests' calls, compared with the values outside it."""

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.values import HOMES, equal_literals, long_integers, prelude, value_of

COLLECTING = ("list", "tuple", "set", "frozenset", "sorted", "dict")
"""Built-ins around a call that are asked of the sandbox with it: they make a value of an iterator, and hide nothing."""


@dataclass(frozen=True)
class Submission:
    """A program, the name of the function asked for, the asserts that it has to satisfy, and the benchmark's own code
    that these need (it runs after the program, whose names it may use)."""

    code: str
    entry_point: str
    tests: tuple[str, ...]
    setup: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether all tests passed, and what went wrong first when not; `ungraded` where the machine could not run them."""

    correct: bool
    problem: str | None
    ungraded: str = ""


NOT_STARTED = Verdict(False, None, "the sandbox did not start on this machine")


def entry_point_of(tests: Sequence[str]) -> str | None:
    """The function that every one of the asserts calls: the outermost that is not Python's own, where there is one
    (a benchmark may ask for a function `sum`). None when the tests have no call in common."""
    called = [_called(test) for test in tests]
    common = [name for name in (called[0] if called else []) if all(name in names for names in called)]
    own = [name for name in common if not hasattr(builtins, name) and name not in HOMES]
    return next(iter(own or common), None)


def _called(test: str) -> list[str]:
    """The plain names that a test calls, outer calls first."""
    try:
        calls = [node.func for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return []
    return [function.id for function in calls if isinstance(function, ast.Name)]


@long_integers()
def grade(
    submissions: Sequence[Submission], *, limits: sandbox.Limits = sandbox.LIMITS, unsafe: bool = False
) -> list[Verdict]:
    """For each submission: whether every one of its tests holds. Equal ones are run once."""
    distinct = list(dict.fromkeys(submissions))
    for submission in distinct:
        if reason := unfit(submission.tests, submission.entry_point):
            raise ValueError(reason)
    plans = [[check for test in one.tests for check in _checks(test, one.entry_point)] for one in distinct]
    calls = [tuple(call for check in plan for call in check.calls) for plan in plans]
    programs = [
        sandbox.Program(item.code, asked, item.setup) for item, asked in zip(distinct, calls, strict=True)
    ]
    outcomes = sandbox.run(programs, limits, unsafe=unsafe)
    filled = [_fill_in(plan, outcome) for plan, outcome in zip(plans, outcomes, strict=True)]
    cases = [(item.setup, conditions or []) for item, conditions in zip(distinct, filled, strict=True)]
    held = _settle(cases, limits, unsafe)
    verdicts = {
        submission: _verdict(outcome, conditions, holds)
        for submission, outcome, conditions, holds in zip(distinct, outcomes, filled, held, strict=True)
    }
    return [verdicts[submission] for submission in submissions]


@dataclass(frozen=True)
class _Check:
    """One assert: its condition, and the calls in it that only the candidate can answer."""

    condition: ast.expr
    calls: tuple[str, ...]
    entry_point: str


def unfit(tests: Sequence[str], entry_point: str) -> str | None:
    """Why tests cannot be run: they must be asserts, each of which calls the entry point. None when they can."""
    if not tests:
        return "there are no tests: without any, everything would pass"
    try:
        for test in tests:
            _checks(test, entry_point)
    except SyntaxError as error:
        return f"a test is no Python ({error.msg})"
    except ValueError as error:
        return str(error)
    return None


def _checks(test: str, entry_point: str) -> list[_Check]:
    checks = []
    for statement in ast.parse(test).body:
        if not isinstance(statement, ast.Assert):
            start = ast.unparse(statement).split("\n")[0][:60]
            raise ValueError(f"a test must be assert statements without loops or variables, not: {start}")
        finder = _Calls(entry_point)
        finder.visit(statement.test)
        if not finder.found:
            raise ValueError(f"a test must call {entry_point}: {test[:60]}")
        checks.append(_Check(statement.test, tuple(finder.found), entry_point))
    if not checks:
        raise ValueError("a test is empty")
    return checks


class _Calls(ast.NodeTransformer):
    """Finds the outermost calls of the entry point; given values, puts those in their place."""

    def __init__(self, entry_point: str, values: Sequence[ast.expr] | None = None) -> None:
        self.entry_point = entry_point
        self.values = values
        self.found: list[str] = []
        self.method: ast.expr | None = None  # what is called just now

    def visit(self, node: ast.AST) -> ast.AST:
        if not self._asks_candidate(node):
            self.method = node.func if isinstance(node, ast.Call) else self.method
            return self.generic_visit(node)
        self.found.append(ast.unparse(node))
        return node if self.values is None else self.values[len(self.found) - 1]

    def _asks_candidate(self, node: ast.AST) -> bool:
        """Whether it is such a call, or a part or collection of its value; what is expected is in none of them."""
        if isinstance(node, ast.Subscript):
            return self._asks_candidate(node.value)
        if isinstance(node, ast.Attribute):
            plain = node is not self.method and not node.attr.startswith("_")
            return plain and self._asks_candidate(node.value)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return False
        collects = node.func.id in COLLECTING and len(node.args) == 1 and not node.keywords
        return node.func.id == self.entry_point or (collects and self._asks_candidate(node.args[0]))


def _fill_in(plan: Sequence[_Check], outcome: sandbox.Outcome) -> list[str] | None:
    """The conditions with the candidate's values in place of its calls; None when a value is missing."""
    conditions: list[str] = []
    position = 0
    for check in plan:
        wanted = range(position, position + len(check.calls))
        position += len(check.calls)
        values = [value_of(outcome.results.get(index, "")) for index in wanted]
        given = [value for value in values if value is not None]
        if len(given) < len(values):
            return None
        condition = ast.parse(ast.unparse(check.condition), mode="eval").body
        conditions.append(ast.unparse(_Calls(check.entry_point, given).visit(condition)))
    return conditions


def _settle(
    cases: Sequence[tuple[str, list[str]]], limits: sandbox.Limits, unsafe: bool
) -> list[list[bool | None]]:
    """Which filled-in conditions of each case (setup, conditions) hold. They are plain values and the benchmark's own
    code: equality of two literals is decided here, anything else in a process that the candidate never shared. None
    where that process did not start."""
    known = [[equal_literals(condition) for condition in conditions] for _, conditions in cases]
    programs = [
        sandbox.Program(
            prelude(conditions),
            tuple(f"bool({one})" for one, holds in zip(conditions, decided, strict=True) if holds is None),
            setup,
        )
        for (setup, conditions), decided in zip(cases, known, strict=True)
    ]
    asked = [program for program in programs if program.expressions]
    judged = dict(zip(asked, sandbox.run(asked, limits, unsafe=unsafe), strict=True))
    for program, decided in zip(programs, known, strict=True):
        open_ones = [position for position, holds in enumerate(decided) if holds is None]
        for number, position in enumerate(open_ones):
            settled = judged[program]
            decided[position] = settled.results.get(number) == "True" if settled.started else None
    return known


def _verdict(outcome: sandbox.Outcome, conditions: list[str] | None, holds: list[bool | None]) -> Verdict:
    if not outcome.started or None in holds:
        return NOT_STARTED
    if conditions is None:
        return Verdict(False, outcome.problem or "no value")
    correct = all(holds)
    return Verdict(correct, None if correct else "wrong value")
