"""The final answer of a response in a form in which equal answers are equal texts: what is voted on."""

import re
from string import ascii_uppercase

from genius_bench.answers import number, option, places, yes_no
from genius_bench.answers.option_names import names_of
from genius_bench.answers.places import Reading, Statement

LABELS = tuple(ascii_uppercase[:10])
LONGEST_ANSWER = 8
"""Words. More than this after "the answer is" is an explanation, not an answer to vote on."""
LONGEST_LAST_LINE = 3
OPERATOR = re.compile(r"[\\+*=<>^]")
ASSIGNED = re.compile(r"^[\s$]*\\?[a-zA-Z]\s*=(?!=)")
STRIPPED = " \t\n*_`\"'$"


def final_answer(text: str) -> str | None:
    """The answer that `places` finds: a label, yes or no, a number, a formula, a few words; or a last line that is one.

    None for open-ended text: the last number of a story is no answer, so nothing is guessed. What is stated is read as
    the graders of numbers, options and yes/no read it, as far as one can without the options.
    """
    said = places.said(text)
    stated = _ordered(places.statements(said))
    reading = places.first(stated, _closed) or places.first(stated, _words)
    if reading is not None and not reading.denied:
        return reading.answer
    lines = places.lines(said)
    if not lines:
        return None
    last = Statement("box", 0, lines[-1].strip(STRIPPED).rstrip("."))
    label = option.concluded(names_of(LABELS, ()), lines)
    if reading is not None:  # it only denies
        conclusion = yes_no.concluding(lines[-1])
        return label or (conclusion.answer if conclusion else None)
    if label is not None or len(last.text.split()) > LONGEST_LAST_LINE:
        return label
    decided = yes_no.read(last) if len(last.text.split()) == 1 else None
    return decided.answer if decided else number.alone(last.text)


def agrees(text: str, gold: str) -> bool:
    """Whether a response ends in the gold answer (which may be a whole solution)."""
    answer, expected = final_answer(text), final_answer(gold) or _normalised(gold)
    return answer is not None and (answer == expected or number.agrees(answer, expected))


def _ordered(stated: list[Statement]) -> list[Statement]:
    """Boxes first, for formulas and numbers; but a label, a yes or a no that is stated after them has the last word."""
    decided = any(yes_no.read(one) for one in stated if one.place != "correction")
    if not decided:  # "5. Wait, no" is no answer to a yes/no question
        stated = [one for one in stated if one.place != "correction" or yes_no.read(one) is None]
    last_box = max((one.begin for one in stated if one.place == "box"), default=None)
    if last_box is None:
        return stated
    late = [one for one in stated if one.begin > last_box and (_label(one) or yes_no.read(one))]
    return [*late, *places.boxes_first(one for one in stated if one not in late)]


def _closed(statement: Statement) -> Reading | None:
    """The label, yes or no, number or formula of a statement."""
    if (reading := _label(statement) or yes_no.read(statement)) is not None:
        return reading
    if statement.place == "choice" or not statement.text or places.opens_reasoning(statement):
        return None
    if statement.place == "correction":
        reading = number.read(statement)
        found = number.as_number(reading.answer) if reading and reading.answer else None
        return Reading(number.canonical(found)) if found is not None else reading
    if places.denial(statement.text) is not None:
        return number.read(statement)
    if (statement.place == "hashes" or statement.place == "heading") and number.read(statement) is None:
        return None
    if (value := number.alone(statement.text)) is not None:
        return Reading(value)
    short = statement.place == "box" or len(statement.text.split()) <= LONGEST_ANSWER
    return Reading(_plain(statement.text)) if short and number.FORMULA.search(statement.text) else None


def _words(statement: Statement) -> Reading | None:
    """The few words of an English statement."""
    spoken = statement.place in ("box", "phrase", "heading") and not places.opens_reasoning(statement)
    text = _plain(statement.text)
    return Reading(text) if spoken and text and len(text.split()) <= LONGEST_ANSWER else None


def _label(statement: Statement) -> Reading | None:
    """A label; a small letter only where it is the whole statement, for it may be a variable or a word."""
    text = places.without_text_commands(statement.text).strip(STRIPPED + "()[]{}.")
    small = len(text) > 1 and re.match(r"(?!n['’]t\b)[a-z]\b", text)
    if small or (OPERATOR.search(text) and not re.match(r"[A-J][.)]", text)):
        return None
    return option.read(statement, LABELS)


def _normalised(answer: str) -> str:
    """A bare gold answer: "$1,234.00" → 1234, "no" → No."""
    reading = _closed(Statement("box", 0, answer.strip()))
    return (reading.answer if reading else None) or _plain(answer)


def _plain(answer: str) -> str:
    """Texts without case and decoration, and without the variable that they are assigned to."""
    answer = ASSIGNED.sub("", places.without_text_commands(answer))
    return " ".join(answer.replace("$", "").strip().strip(STRIPPED).rstrip(".").lower().split())
