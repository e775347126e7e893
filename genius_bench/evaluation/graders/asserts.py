"""Tests that are asserts, each of which calls the function asked for: which ones fit, and what in them is the
candidate's to answer.

The candidate is asked for the values of the calls alone, once each; what remains of a condition is settled elsewhere,
without its program. Hence a call cannot depend on what the condition binds (a comprehension's variable), and the rest
can name only what the benchmark's own code, Python or its standard library have.
"""

import ast
import builtins
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.evaluation.graders.pieces import DAMAGE, Block, names_used
from genius_bench.evaluation.graders.values import HOMES, long_integers

COLLECTING = ("list", "tuple", "set", "frozenset", "sorted", "dict")
"""Built-ins around a call that are asked of the sandbox with it: they make a value of an iterator, and hide nothing."""
SAYS_NOTHING = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.JoinedStr),
    *(ast.Lambda, ast.GeneratorExp),
)
"""Conditions that hold whatever a program does, as `assert (f(1) == 2, "why")` does."""


@dataclass(frozen=True)
class Check:
    """One assert: its condition, and the calls in it that only the candidate can answer."""

    condition: ast.expr
    calls: tuple[str, ...]
    entry_point: str

    def filled(self, values: Sequence[ast.expr]) -> str:
        """The condition with values in place of the calls."""
        condition = ast.parse(ast.unparse(self.condition), mode="eval").body
        return ast.unparse(_Calls(self.entry_point, values).visit(condition))


@long_integers()
def entry_point_of(tests: Sequence[str]) -> str | None:
    """The function that every one of the asserts calls: the outermost that is not Python's own, where there is one
    (a benchmark may ask for a function `sum`). None when the tests have no call in common."""
    called = [_called(test) for test in tests]
    common = [name for name in (called[0] if called else []) if all(name in names for names in called)]
    own = [name for name in common if not hasattr(builtins, name) and name not in HOMES]
    return next(iter(own or common), None)


@long_integers()
def unfit(tests: Sequence[str], entry_point: str, setup: str = "") -> str | None:
    """Why tests cannot be run after the benchmark's own code `setup`. None when they can."""
    if not tests:
        return "there are no tests: without any, everything would pass"
    own = Block(setup)
    if isinstance(own.parsed, int):
        return f"the code that they need is no Python (line {own.parsed})"
    try:
        checks = [check for test in tests for check in checks_of(test, entry_point)]
        return next((reason for check in checks if (reason := _misleading(check, own))), None)
    except SyntaxError as error:
        return f"a test is no Python ({error.msg})"
    except (RecursionError, MemoryError):
        return "a test is nested too deeply"
    except ValueError as error:
        return str(error)


def checks_of(test: str, entry_point: str) -> list[Check]:
    """The asserts of a test. Raises ValueError where it is something else, and what `ast.parse` raises."""
    checks = []
    for statement in ast.parse(test).body:
        if not isinstance(statement, ast.Assert):
            start = ast.unparse(statement).split("\n")[0][:60]
            raise ValueError(f"a test must be assert statements without loops or variables, not: {start}")
        finder = _Calls(entry_point)
        finder.visit(statement.test)
        if not finder.found:
            raise ValueError(f"a test must call {entry_point}: {test[:60]}")
        checks.append(Check(statement.test, tuple(finder.found), entry_point))
    if not checks:
        raise ValueError("a test is empty")
    return checks


def _misleading(check: Check, own: Block) -> str | None:
    """Why an assert would be settled by something else than the candidate's values (and the benchmark's `own` code).
    Raises SyntaxError where it is Python only within a function."""
    if _says_nothing(check.condition):
        return f"(a part of) a test is true or false whatever {check.entry_point} does: {_shown(check)}"
    rest = check.filled([ast.Constant(None)] * len(check.calls))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(rest, "test", "eval")
    bound = _bound(ast.parse(rest))
    for call in check.calls:
        if inside := sorted(bound & names_used(call)):
            return f"a test's call must not use a variable of the test's own ({inside[0]}): {_shown(check)}"
    known = {*own.names[0], *sys.stdlib_module_names, *HOMES, *dir(builtins)}
    strange = sorted(names_used(rest) - bound - known)
    if strange and not own.stars:
        return f"a test names what nobody but an answer could have ({strange[0]}): {_shown(check)}"
    return None


def _says_nothing(condition: ast.expr) -> bool:
    if isinstance(condition, ast.BoolOp):
        return any(map(_says_nothing, condition.values))
    if isinstance(condition, ast.UnaryOp):
        return _says_nothing(condition.operand)
    if isinstance(condition, ast.IfExp):
        return any(map(_says_nothing, (condition.test, condition.body, condition.orelse)))
    if isinstance(condition, ast.NamedExpr):
        return _says_nothing(condition.value)
    return isinstance(condition, SAYS_NOTHING)


def _bound(tree: ast.AST) -> set[str]:
    """All variables of an expression's own: a comprehension's, a lambda's, those of `:=`."""
    nodes = list(ast.walk(tree))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _shown(check: Check) -> str:
    return ast.unparse(check.condition)[:60]


def _called(test: str) -> list[str]:
    """The plain names that a test calls, outer calls first."""
    try:
        calls = [node.func for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call)]
    except DAMAGE:
        return []
    return [function.id for function in calls if isinstance(function, ast.Name)]


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
            before = len(self.found)
            visited = self.generic_visit(node)
            if (
                isinstance(node, ast.JoinedStr) and len(self.found) > before
            ):  # not every value can be written there
                raise ValueError(f"a test must not call {self.entry_point} within an f-string")
            return visited
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
