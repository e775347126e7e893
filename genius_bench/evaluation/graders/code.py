"""Answers that are Python functions: run in the sandbox on their tests' calls, compared with the values outside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.asserts import Check, checks_of, unfit
from genius_bench.evaluation.graders.values import equal_literals, long_integers, prelude, value_of


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

_settled: dict[tuple[Submission, sandbox.Limits, bool], Verdict] = {}
"""What this process has found out: cooled or trained, a model writes much that it wrote before."""


def grade(
    submissions: Sequence[Submission], *, limits: sandbox.Limits = sandbox.LIMITS, unsafe: bool = False
) -> list[Verdict]:
    """For each submission: whether every one of its tests holds. Equal ones are run once in the life of a process."""
    new = [one for one in dict.fromkeys(submissions) if (one, limits, unsafe) not in _settled]
    verdicts = dict(zip(new, _run(new, limits, unsafe), strict=True))
    _settled.update(
        {(one, limits, unsafe): verdict for one, verdict in verdicts.items() if not verdict.ungraded}
    )
    return [verdicts.get(one) or _settled[one, limits, unsafe] for one in submissions]


@long_integers()
def _run(distinct: Sequence[Submission], limits: sandbox.Limits, unsafe: bool) -> list[Verdict]:
    for submission in distinct:
        if reason := unfit(submission.tests, submission.entry_point, submission.setup):
            raise ValueError(reason)
    plans = [[check for test in one.tests for check in checks_of(test, one.entry_point)] for one in distinct]
    calls = [tuple(call for check in plan for call in check.calls) for plan in plans]
    programs = [
        sandbox.Program(item.code, asked, item.setup) for item, asked in zip(distinct, calls, strict=True)
    ]
    outcomes = sandbox.run(programs, limits, unsafe=unsafe)
    filled = [_fill_in(plan, outcome) for plan, outcome in zip(plans, outcomes, strict=True)]
    cases = [(item.setup, conditions or []) for item, conditions in zip(distinct, filled, strict=True)]
    held = _settle(cases, limits, unsafe)
    return [_verdict(*one) for one in zip(outcomes, filled, held, strict=True)]


def _fill_in(plan: Sequence[Check], outcome: sandbox.Outcome) -> list[str] | None:
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
        conditions.append(check.filled(given))
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
