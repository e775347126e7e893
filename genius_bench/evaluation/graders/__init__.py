"""Grading: one robust grader a kind of answer, and the published rule beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.answers import named, number, option, yes_no
from genius_bench.answers.boxes import boxes, last_boxed
from genius_bench.evaluation import sandbox
from genius_bench.evaluation.facts import FORM, GraderName, ReleasedName
from genius_bench.evaluation.graders import blocks, code, formats, instructions, maths, programs, released
from genius_bench.evaluation.graders.notation import as_latex
from genius_bench.evaluation.program_tests import ProgramTest

VERSION = 4
"""Raise it when any verdict can change: stored answers are then graded again."""


RUN: tuple[GraderName, ...] = ("code", "program")
"""Graders that run what the model wrote."""


@dataclass(frozen=True)
class Item:
    """What an answer is held against. `gold` is the data set's own text (a solution, a letter, a number)."""

    gold: str
    labels: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    entry_point: str = ""
    setup: str = ""
    program_tests: tuple[ProgramTest, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """`extracted` is None when the answer has no readable result (a format failure)."""

    extracted: str | None
    correct: bool
    ungraded: str = ""
    """Why nothing could be decided about the answer; empty where it was."""


def gold_answer(grader: GraderName, item: Item) -> str:
    """The final answer inside the data set's gold text."""
    if grader == "math":
        boxed = last_boxed(item.gold)
        return item.gold.strip() if boxed is None else boxed
    if grader == "number":
        return number.extract(item.gold) or item.gold.strip()
    return item.gold.strip()


def grade(
    grader: GraderName, answers: Sequence[tuple[str, Item]], *, unsafe_code: bool = False
) -> list[Verdict]:
    """The robust grader's verdict on each (answer text, item)."""
    if grader == "math":
        return _grade_maths(answers)
    if grader == "code":
        return _grade_code(answers, unsafe_code)
    if grader == "program":
        return _grade_programs(answers, unsafe_code)
    return [_grade_text(grader, text, item) for text, item in answers]


def grade_released(rule: ReleasedName, grader: GraderName, text: str, item: Item) -> Verdict:
    """The published rule's verdict on one answer."""
    gold = gold_answer(grader, item)
    if rule == "math":
        gold = held[-1].text if grader == "math" and (held := boxes(item.gold)) else gold  # knows no lists
        value = released.math_answer(text)
        return Verdict(None if value is None else repr(value), released.math_correct(value, gold))
    found = (
        released.strategyqa_answer(text)
        if rule == "strategyqa"
        else released.option_answer(text, "ABCDE" if rule == "options_to_e" else "ABCD")
    )
    return Verdict(found, found == gold)


def not_gradable(grader: GraderName, *, unsafe_code: bool = False) -> str | None:
    """Why answers of this kind cannot be graded on this machine; None when they can."""
    if grader == "instructions":
        return instructions.obstacle()
    if grader not in RUN or unsafe_code:
        return None
    return sandbox.available()


def vote(grader: GraderName, extracted: str | None) -> str:
    """What answers with equal results share, for majority votes; empty where there is nothing to compare."""
    if extracted is None or grader in (*RUN, *FORM):
        return ""
    written = as_latex(extracted) if grader == "math" else extracted
    value = number.as_number(written) if grader in ("math", "number") else None
    return "".join(written.split()) if value is None else number.canonical(value)


def _grade_text(grader: GraderName, text: str, item: Item) -> Verdict:
    gold = gold_answer(grader, item)
    if grader == "number":
        found = number.extract(text)
        return Verdict(found, found is not None and number.agrees(found, gold))
    if grader in FORM:
        failed = (formats if grader == "format" else instructions).first_failed(text, item.tests)
        return Verdict(f"not {failed}" if failed else "followed", failed is None)
    if grader == "named":
        found = named.extract(text, item.options)
    else:
        found = (
            option.extract(text, item.labels, item.options) if grader == "option" else yes_no.extract(text)
        )
    return Verdict(found, found == gold)


def _grade_maths(answers: Sequence[tuple[str, Item]]) -> list[Verdict]:
    extracted = [maths.extract(text) for text, _ in answers]
    golds = [gold_answer("math", item) for _, item in answers]
    readable = [index for index, found in enumerate(extracted) if found is not None]
    compared = maths.agree([(extracted[index] or "", golds[index]) for index in readable])
    verdicts = [Verdict(None, False)] * len(answers)
    for index, (equal, problem) in zip(readable, compared, strict=True):
        if equal is not None or problem:
            verdicts[index] = Verdict(extracted[index], bool(equal), problem)
    return verdicts


def _grade_code(answers: Sequence[tuple[str, Item]], unsafe: bool) -> list[Verdict]:
    codes = [blocks.program(text, item.entry_point) for text, item in answers]
    runnable = [index for index, found in enumerate(codes) if found is not None]
    submissions = [
        code.Submission(
            codes[index] or "",
            answers[index][1].entry_point,
            answers[index][1].tests,
            answers[index][1].setup,
        )
        for index in runnable
    ]
    results = dict(zip(runnable, code.grade(submissions, unsafe=unsafe), strict=True))
    return [_with_code(found, results.get(index)) for index, found in enumerate(codes)]


def _grade_programs(answers: Sequence[tuple[str, Item]], unsafe: bool) -> list[Verdict]:
    found = [blocks.program(text, item.entry_point or None) for text, item in answers]
    # Without tests everything would pass: a problem that has none is never solved.
    tested = [bool(item.program_tests) for _, item in answers]
    runnable = [index for index, code_ in enumerate(found) if code_ is not None and tested[index]]
    submissions = [
        programs.ProgramSubmission(
            code=found[index] or "",
            tests=answers[index][1].program_tests,
            function=answers[index][1].entry_point or None,
        )
        for index in runnable
    ]
    results = dict(zip(runnable, programs.grade(submissions, unsafe=unsafe), strict=True))
    return [_with_code(code_, results.get(index)) for index, code_ in enumerate(found)]


def _with_code(found: str | None, result: code.Verdict | None) -> Verdict:
    return Verdict(found, False) if result is None else Verdict(found, result.correct, result.ungraded)
