"""Every row of a data set, checked once rendered and before anything is asked.

A null that a prompt prints as "None", a letter that is read as option 0, a gold answer that no answer can equal: each
would be scored without a word.
"""

import math
import re
from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, Undefined, meta

from genius_bench.answers import number
from genius_bench.answers.boxes import last_boxed
from genius_bench.errors import InputError, first_line
from genius_bench.evaluation import graders
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.graders import formats, instructions
from genius_bench.evaluation.graders.asserts import unfit

Row = dict[str, Any]
SHOWN_CHARACTERS = 40
MOST_NESTED = 100
NOTHING = ("none", "nan", "null", "n/a", "<na>")
"""What a null becomes where it is printed. Options may say so ("None" is one of MMLU's)."""
VISIBLE = re.compile("[^\\s\u00ad\u200b-\u200f\u2060\ufeff]")


class BadCell(Exception):
    """What is wrong with a row, with the column where one can be named."""


def check_row(card: TaskCard, row: Row, where: str) -> None:
    """Raises `InputError` that names task, row and column where the row cannot be asked or graded."""
    try:
        labels = _labels(card, row) if card.facts.options else []
        _check_question(card, row)
        if card.config["doc_to_target"]:
            _check_gold(card, row, labels)
        if card.facts.grader == "code":
            _check_tests(row)
        if card.facts.grader == "format":
            _check_formats(row)
        if card.facts.grader == "instructions":
            _check_instructions(row)
    except BadCell as problem:
        raise InputError(f"task '{card.name}': {where}: {problem}") from None


def check_text(card: TaskCard, position: int, row: Row) -> None:
    """Raises `InputError` where a cell holds what no file can, or is nested beyond any meaning."""
    for column, cell in row.items():
        cells, depth = [cell], 0
        while cells and depth <= MOST_NESTED:
            try:
                "".join(one for one in cells if isinstance(one, str)).encode()
            except UnicodeEncodeError:
                raise InputError(
                    f"task '{card.name}': row {position}: column '{column}' holds half a surrogate pair, which no "
                    "encoding can hold"
                ) from None
            inside = (
                [*one, *one.values()] if isinstance(one, dict) else one
                for one in cells
                if isinstance(one, dict | list)
            )
            cells, depth = [part for parts in inside for part in parts], depth + 1
        if cells:
            raise InputError(f"task '{card.name}': row {position}: column '{column}' is nested too deeply")


def options_of(value: Any) -> tuple[list[str], list[str]]:
    """Labels and texts, from a list of texts (labelled A, B, …) or the hub's {"label": …, "text": …}."""
    texts = [str(text) for text in (value["text"] if isinstance(value, dict) else value)]
    if isinstance(value, dict):
        return [str(label) for label in value["label"]], texts
    return [chr(ord("A") + position) for position in range(len(texts))], texts


def _check_question(card: TaskCard, row: Row) -> None:
    """The columns that make it up, the turns so far, what the prompt shows, and the name that judges know it by."""
    named = card.facts.named_by or card.facts.columns[:1]
    for column in (*named, *([card.facts.judging.key] if card.facts.judging else [])):
        if not _is_text(row.get(column)):
            raise BadCell(f"column '{column}' {_what(row.get(column))}, where text belongs")
    for column in named:
        if _is_null(row[column]):
            raise BadCell(f"column '{column}' is {row[column]!r}, the text of a null")
    turns = row[card.facts.conversation] if card.facts.conversation else [{}]
    if not turns or not all(_is_text(part) for turn in turns for part in turn.values()):
        raise BadCell(f"column '{card.facts.conversation}' has a turn without text")
    if turns[-1].get("role", "user") != "user":
        raise BadCell(
            f"column '{card.facts.conversation}' ends with a turn that is not the user's: nothing is asked"
        )
    if not _filled(card.config["doc_to_text"], row, "the question").strip():
        raise BadCell("the question is empty")


def _labels(card: TaskCard, row: Row) -> list[str]:
    """The labels of the options, which must be texts under names of their own."""
    column = str(card.facts.options)
    value = row[column]
    lists: list[Any] = [value.get("label"), value.get("text")] if isinstance(value, dict) else [value]
    if not all(isinstance(part, list) and part for part in lists) or len({len(part) for part in lists}) > 1:
        raise BadCell(f"column '{column}' {_what(value)}, where a list of options belongs")
    for part in lists:
        for cell in part:
            if not _is_text(cell):
                raise BadCell(f"column '{column}' has an option that {_what(cell)}")
    labels = options_of(value)[0]
    if len(set(labels)) < len(labels):
        raise BadCell(f"column '{column}' has two options called the same ({', '.join(labels)})")
    return labels


def _check_gold(card: TaskCard, row: Row, labels: list[str]) -> None:
    template = card.config["doc_to_target"]
    columns = [template] if template in row else _columns(template, row)
    told = f"column '{', '.join(columns)}'"
    for column in columns:
        cell = row[column]
        hidden = card.facts.grader in ("option", "yes_no") and isinstance(cell, int | float) and cell < 0
        if cell is None or _is_nan(cell) or hidden:
            raise BadCell(f"the answer is not there: column '{column}' {_what(cell)}")
    text = _filled(template, row, "the answer")
    gold = graders.gold_answer(card.facts.grader, graders.Item(gold=text))
    if card.facts.grader == "math":
        _check_box(text, card.facts.gold == "boxed", told)
    if _is_null(gold):
        raise BadCell(f"the answer is '{gold}' ({told}), the text of a null")
    if not gold:
        raise BadCell(f"the answer is empty ({told})")
    if card.facts.grader == "option" and gold not in labels:
        raise BadCell(f"the answer is '{gold}' ({told}), the options are {', '.join(labels)}")
    if card.facts.grader == "named" and gold not in options_of(row[str(card.facts.options)])[1]:
        raise BadCell(f"the answer is '{gold}' ({told}), which is none of column '{card.facts.options}'")
    if card.facts.grader == "number" and number.as_number(gold) is None:
        raise BadCell(f"the answer {_what(gold)} ({told}), where a number belongs")
    if card.facts.gold == "whole" and not re.fullmatch(r"\d+", gold):
        raise BadCell(f"the answer {_what(gold)} ({told}), where a whole number from 0 belongs")
    if card.facts.grader == "yes_no":
        _check_yes_no(gold, [row[column] for column in columns], told)


def _check_box(text: str, needed: bool, told: str) -> None:
    """A solution names its answer in a box; an answer by itself needs none, but a box must be closed."""
    boxes = needed or "\\boxed" in text or "\\fbox" in text
    if boxes and text.strip() and last_boxed(text) is None:
        raise BadCell(f"the answer is not there: {told} has no closed \\boxed{{…}}")


def _check_yes_no(gold: str, cells: list[Any], told: str) -> None:
    """Text is true whatever it says: "No" and "false" must not have become Yes."""
    said = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
    for cell in cells:
        if not isinstance(cell, str) and cell not in (0, 1):
            raise BadCell(f"the answer is read as {gold}, but {told} {_what(cell)}, where yes or no belongs")
        if isinstance(cell, str) and said.get(cell.strip().lower()) != gold:
            raise BadCell(f"the answer is read as {gold}, but {told} {_what(cell)}")
    if gold not in ("Yes", "No"):
        raise BadCell(f"the answer is '{gold}' ({told}), where Yes or No belongs")


def _check_tests(row: Row) -> None:
    tests = row.get("tests")
    if (
        not isinstance(tests, list)
        or not tests
        or not all(isinstance(test, str) and test.strip() for test in tests)
    ):
        raise BadCell(f"column 'tests' {_what(tests)}, where a list of tests belongs")
    if not isinstance(row.get("entry_point"), str) or not row["entry_point"]:
        raise BadCell(
            f"column 'entry_point' {_what(row.get('entry_point'))}, where a function's name belongs"
        )
    if not isinstance(row.get("setup") or "", str):
        raise BadCell(f"column 'setup' {_what(row['setup'])}, where Python code belongs")
    if reason := unfit(tests, row["entry_point"], row.get("setup") or ""):
        raise BadCell(f"column 'tests': {reason}")


def _check_formats(row: Row) -> None:
    tests = row.get("tests")
    if not isinstance(tests, list) or not tests:
        raise BadCell(f"column 'tests' {_what(tests)}, where a list of checks belongs")
    for test in tests:
        if not isinstance(test, str) or not formats.is_check(test):
            raise BadCell(f"column 'tests' has no check {test!r}: there are {', '.join(formats.CHECKS)}")


def _check_instructions(row: Row) -> None:
    if instructions.obstacle() is None and (reason := instructions.unfit(row["tests"])):
        raise BadCell(f"column 'instruction_id_list': {reason}")


def _is_text(cell: Any) -> bool:
    """Something that reads as it should where it is printed."""
    if isinstance(cell, str):
        return VISIBLE.search(cell) is not None
    return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)


def _is_null(cell: Any) -> bool:
    return str(cell).strip().lower() in NOTHING


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _what(cell: Any) -> str:
    """What is wrong with a cell, as the end of a sentence that it begins."""
    if cell is None:
        return "is null"
    if isinstance(cell, str) and not VISIBLE.search(cell):
        return "is empty"
    shown = " ".join(repr(cell).split())
    kind = f"a {type(cell).__name__}, " if isinstance(cell, list | dict | bool) else ""
    return f"is {kind}{shown[:SHOWN_CHARACTERS]}{'…' if len(shown) > SHOWN_CHARACTERS else ''}"


def _filled(template: str, row: Row, part: str) -> str:
    """The template of a task file over a row's columns, with no value printed that is no text."""
    if template in row:
        return str(row[template])
    try:
        return _compiled(template).render(**row)
    except Exception as error:  # templates raise whatever their columns make of them
        columns = _columns(template, row)
        odd = [column for column in columns if not _is_text(row[column])] or columns
        told = "; ".join(f"column '{column}' {_what(row[column])}" for column in odd)
        raise BadCell(f"{part} cannot be made ({first_line(error)}): {told}") from None


@lru_cache(maxsize=64)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """lm-eval's, but for what is printed and for `int`, which makes 0 of whatever is no number."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=_printed)
    environment.filters["regex_replace"] = lambda text, pattern, by, count=0: re.sub(
        pattern, by, text, count=count
    )
    environment.filters["int"] = _whole
    return environment


def _printed(value: Any) -> Any:
    if isinstance(value, Undefined | str):
        return value
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"it would print {'null' if value is None else type(value).__name__}")
    return value


def _whole(value: Any) -> int:
    found = int(value)
    if isinstance(value, bool) or found != float(value):
        raise ValueError(f"{value} is no whole number")
    return found


def _columns(template: str, row: Row) -> list[str]:
    """The columns that a template speaks of."""
    return sorted(_names(template) & row.keys())


@lru_cache(maxsize=64)
def _names(template: str) -> set[str]:
    return meta.find_undeclared_variables(_environment().parse(template))
