"""Answers that are Python functions: run in the sandbox on their tests' calls, compared with the values outside it."""

import ast
import builtins
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.evaluation import sandbox

FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
OPENERS = ("def ", "import ", "from ", "class ", "@", "async def ")
HOMES = {
    "Counter": "collections",
    "OrderedDict": "collections",
    "deque": "collections",
    "Decimal": "decimal",
    "Fraction": "fractions",
    "inf": "math",
    "nan": "math",
}
"""Names that a value from the sandbox may use, and where they come from."""
VALUE_NODES = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Load),
    *(ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub),  # negative and complex numbers
)
MAX_LEVELS = 48
"""Of a value's syntax tree: more than the sandbox's own values have, few enough for every recursive function here."""
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
    """Whether all tests passed, and what went wrong first when not."""

    correct: bool
    problem: str | None


def extract(text: str, entry_point: str) -> str | None:
    """The code that defines `entry_point`: from the last fence that does, or from the first line of code on."""
    for block in reversed(FENCE.findall(text)):
        if _defines(block, entry_point):
            return str(block).rstrip()
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(OPENERS)]
    for end in range(len(lines), starts[0] if starts else len(lines), -1):
        code = "\n".join(lines[starts[0] : end])
        if _defines(code, entry_point):
            return code.rstrip()
    return None


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


def grade(
    submissions: Sequence[Submission], *, limits: sandbox.Limits = sandbox.LIMITS, unsafe: bool = False
) -> list[Verdict]:
    """For each submission: whether every one of its tests holds. Equal ones are run once."""
    distinct = list(dict.fromkeys(submissions))
    plans = [_plan(submission) for submission in distinct]
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


def _plan(submission: Submission) -> list[_Check]:
    checks = []
    if not submission.tests:
        raise ValueError("a submission needs tests: without any, everything would pass")
    for test in submission.tests:
        for statement in ast.parse(test).body:
            if not isinstance(statement, ast.Assert):
                raise ValueError(f"a test must be assert statements, not: {ast.unparse(statement)[:80]}")
            finder = _Calls(submission.entry_point)
            finder.visit(statement.test)
            if not finder.found:
                raise ValueError(f"a test must call {submission.entry_point}: {test[:80]}")
            checks.append(_Check(statement.test, tuple(finder.found), submission.entry_point))
    return checks


class _Calls(ast.NodeTransformer):
    """Finds the outermost calls of the entry point; given values, puts those in their place."""

    def __init__(self, entry_point: str, values: Sequence[ast.expr] | None = None) -> None:
        self.entry_point = entry_point
        self.values = values
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self._asks_candidate(node):
            self.found.append(ast.unparse(node))
            return node if self.values is None else self.values[len(self.found) - 1]
        self.generic_visit(node)
        return node

    def _asks_candidate(self, node: ast.expr) -> bool:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return False
        if node.func.id == self.entry_point:
            return True
        collects = node.func.id in COLLECTING and len(node.args) == 1 and not node.keywords
        return collects and self._asks_candidate(node.args[0])


def _fill_in(plan: Sequence[_Check], outcome: sandbox.Outcome) -> list[str] | None:
    """The conditions with the candidate's values in place of its calls; None when a value is missing."""
    conditions: list[str] = []
    position = 0
    for check in plan:
        wanted = range(position, position + len(check.calls))
        position += len(check.calls)
        values = [_value(outcome.results.get(index, "")) for index in wanted]
        given = [value for value in values if value is not None]
        if len(given) < len(values):
            return None
        condition = ast.parse(ast.unparse(check.condition), mode="eval").body
        conditions.append(ast.unparse(_Calls(check.entry_point, given).visit(condition)))
    return conditions


def _value(text: str) -> ast.expr | None:
    """What came out of the sandbox as an expression, if it is one that is nothing but a value."""
    try:
        value = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    level: list[ast.AST] = [value]
    for _ in range(MAX_LEVELS):
        if not all(isinstance(node, VALUE_NODES) or _names_value(node) for node in level):
            return None
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return None if level else value


def _names_value(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and not node.keywords
    return isinstance(node, ast.Name) and node.id in (*HOMES, "set")


def _settle(cases: Sequence[tuple[str, list[str]]], limits: sandbox.Limits, unsafe: bool) -> list[list[bool]]:
    """Which filled-in conditions of each case (setup, conditions) hold. They are plain values and the benchmark's own
    code: equality of two literals is decided here, anything else in a process that the candidate never shared."""
    known = [[_equal_literals(condition) for condition in conditions] for _, conditions in cases]
    programs = [
        sandbox.Program(
            _imports(conditions),
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
            decided[position] = judged[program].results.get(number) == "True"
    return [[holds is True for holds in decided] for decided in known]


def _imports(conditions: Sequence[str]) -> str:
    """Import statements for what the conditions name: the types of values, and modules of the standard library."""
    trees = [ast.parse(condition) for condition in conditions]
    names = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = [f"from {HOMES[name]} import {name}" for name in sorted(names & HOMES.keys())]
    return "\n".join(lines + [f"import {name}" for name in sorted(names & sys.stdlib_module_names)])


def _equal_literals(condition: str) -> bool | None:
    tree = ast.parse(condition, mode="eval").body
    if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq)):
        return None
    try:
        return bool(ast.literal_eval(tree.left) == ast.literal_eval(tree.comparators[0]))
    except (ValueError, TypeError):
        return None


def _verdict(outcome: sandbox.Outcome, conditions: list[str] | None, holds: list[bool]) -> Verdict:
    if conditions is None:
        return Verdict(False, outcome.problem or "no value")
    correct = all(holds)
    return Verdict(correct, None if correct else "wrong value")


def _defines(code: str, entry_point: str) -> bool:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(entry_point in _names_bound_by(node) for node in tree.body)


def _names_bound_by(node: ast.stmt) -> list[str | None]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    return [getattr(target, "id", None) for target in node.targets] if isinstance(node, ast.Assign) else []
