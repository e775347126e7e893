"""Answers that are Python functions: run in the sandbox on their tests' calls, compared with the values outside it."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.evaluation import sandbox

FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
OPENERS = ("def ", "import ", "from ", "class ", "@", "async def ")


@dataclass(frozen=True)
class Submission:
    """A program, the name of the function asked for, and the asserts that it has to satisfy."""

    code: str
    entry_point: str
    tests: tuple[str, ...]


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


def grade(
    submissions: Sequence[Submission], *, limits: sandbox.Limits = sandbox.LIMITS, unsafe: bool = False
) -> list[Verdict]:
    """For each submission: whether every one of its tests holds. Equal ones are run once."""
    distinct = list(dict.fromkeys(submissions))
    plans = [_plan(submission) for submission in distinct]
    programs = [
        sandbox.Program(submission.code, tuple(call for check in plan for call in check.calls))
        for submission, plan in zip(distinct, plans, strict=True)
    ]
    outcomes = sandbox.run(programs, limits, unsafe=unsafe)
    filled = [_fill_in(plan, outcome) for plan, outcome in zip(plans, outcomes, strict=True)]
    holds = _settle([condition for conditions in filled for condition in conditions or ()], limits, unsafe)
    verdicts = {
        submission: _verdict(outcome, conditions, holds)
        for submission, outcome, conditions in zip(distinct, outcomes, filled, strict=True)
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

    def __init__(self, entry_point: str, values: Sequence[object] | None = None) -> None:
        self.entry_point = entry_point
        self.values = values
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == self.entry_point:
            self.found.append(ast.unparse(node))
            if self.values is None:
                return node
            return ast.parse(repr(self.values[len(self.found) - 1]), mode="eval").body
        self.generic_visit(node)
        return node


def _fill_in(plan: Sequence[_Check], outcome: sandbox.Outcome) -> list[str] | None:
    """The conditions with the candidate's values in place of its calls; None when a value is missing."""
    conditions: list[str] = []
    position = 0
    for check in plan:
        wanted = range(position, position + len(check.calls))
        position += len(check.calls)
        if any(index not in outcome.values for index in wanted):
            return None
        filler = _Calls(check.entry_point, [outcome.values[index] for index in wanted])
        condition = filler.visit(ast.parse(ast.unparse(check.condition), mode="eval").body)
        conditions.append(ast.unparse(condition))
    return conditions


def _settle(conditions: Sequence[str], limits: sandbox.Limits, unsafe: bool) -> dict[str, bool]:
    """Whether each filled-in condition holds. They are plain values and the benchmark's own code: equality of two
    literals is decided here, anything else in a process that the candidate never shared."""
    holds = {condition: _equal_literals(condition) for condition in conditions}
    others = [condition for condition, verdict in holds.items() if verdict is None]
    judged = sandbox.run(
        [sandbox.Program("", (f"bool({other})",)) for other in others], limits, unsafe=unsafe
    )
    decided = {other: outcome.values.get(0) is True for other, outcome in zip(others, judged, strict=True)}
    return {condition: decided.get(condition, verdict is True) for condition, verdict in holds.items()}


def _equal_literals(condition: str) -> bool | None:
    tree = ast.parse(condition, mode="eval").body
    if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq)):
        return None
    try:
        return bool(ast.literal_eval(tree.left) == ast.literal_eval(tree.comparators[0]))
    except ValueError:
        return None


def _verdict(outcome: sandbox.Outcome, conditions: list[str] | None, holds: dict[str, bool]) -> Verdict:
    if conditions is None:
        return Verdict(False, outcome.problem or "no value")
    correct = all(holds[condition] for condition in conditions)
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
