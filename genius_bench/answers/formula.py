"""Answers of any mathematical form, as written."""

import re

from genius_bench.answers import number, places
from genius_bench.answers.boxes import Box, different, joined
from genius_bench.answers.phrases import HEDGE
from genius_bench.answers.places import Reading, Statement

INLINE = re.compile(r"\$([^$\n]{1,200})\$")
LEADING = re.compile(r"\$+([^$\n]{1,200})\$+(?!\s*(?:[,;]\s*)?(?:and\b|or\b|\$))")
HEDGED = re.compile(rf"{HEDGE}(?:(?:exactly|about|approximately),?\s+)?", re.IGNORECASE)
NEITHER = re.compile(r"neither\b", re.IGNORECASE)
NOTHING_ELSE = re.compile(r"[*\s]*\$[^$\n]{1,200}\$\s*(?:[^\w?$\s].*|(?:because|since|as|not)\b.*)?")
UNCLOSED = re.compile(r"\\boxed\s*+\{([^{}]*+)\Z")


def extract(text: str) -> str | None:
    """The final answer as `places` finds it, boxes first; the last formula or number where nothing is stated.

    Boxes in one sentence are a list ("2, 6"), and so are formulas where nothing is stated ("$x=2$ or $x=6$").
    """
    said = places.said(text)
    stated = places.statements(said)
    boxed = [one for one in stated if one.place == "box"]
    if boxed:
        return boxed[0].text or None
    if (cut := UNCLOSED.search(said)) is not None:
        return cut[1].strip() if number.as_number(cut[1]) is not None else None
    if (reading := places.first(stated, read)) is not None:
        return reading.answer
    formulas = [Box(match[1].strip(), match.start(), match.end()) for match in INLINE.finditer(said)]
    return (
        ", ".join(different(joined(said, formulas[-places.MOST :])[-1])) if formulas else number.extract(text)
    )


def read(statement: Statement) -> Reading | None:
    """The formula that a phrase begins with, or the phrase where it has none or joins several."""
    if statement.place == "choice" or not statement.text or places.opens_reasoning(statement):
        return None
    if NEITHER.match(statement.text):
        return Reading(None)
    if (denial := places.denial(statement.text)) is not None:
        denied, instead = map(_first, denial)
        return Reading(instead) if instead else Reading(denied, denied=True) if denied else None
    if statement.place == "correction" and not NOTHING_ELSE.fullmatch(statement.text):
        return number.read(statement)
    words = "$" not in statement.text and number.read(statement) is None
    if words and (
        statement.place == "hashes" or (statement.place == "heading" and len(statement.text.split()) > 3)
    ):
        return None
    text = HEDGED.sub("", statement.text, count=1)
    formula = LEADING.match(text)
    found = formula[1].strip() if formula else text.rstrip("*_ ")
    return Reading(found) if found else None


def _first(text: str) -> str | None:
    """The formula that a text begins with, or its first number."""
    formula = LEADING.match(text)
    return formula[1].strip() if formula else number.first_number(text)
