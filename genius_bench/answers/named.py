"""Answers that are one of a few names: of the people or places that a question speaks of."""

import re
from collections.abc import Sequence

from genius_bench.answers import places
from genius_bench.answers.places import Reading, Statement

SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)|\n")
CONCLUDED = re.compile(r".*\b(?:so|therefore|thus|hence)\b", re.IGNORECASE)
REASON = re.compile(r"\b(?:because|since|as)\b", re.IGNORECASE)


def extract(text: str, names: Sequence[str]) -> str | None:
    """The name that the answer gives as `places` finds it, or that the last sentence with a name speaks of.

    A statement that gives several names gives none. Of an unstated answer's last sentence what follows "so" counts and
    what follows "because" does not: "Ann is shorter than Bea, so Bea is the tallest" and "Bea, because Ann is shorter"
    both answer Bea.
    """
    said = places.said(text)
    reading = places.first(places.statements(said), lambda statement: _read(statement, names))
    if reading is not None:
        return None if reading.denied else reading.answer
    for sentence in reversed(SENTENCE_END.split(said)):
        told = REASON.split(CONCLUDED.sub("", sentence))[0]
        if found := _names_in(told, names) or _names_in(sentence, names):
            return found[0]
    return None


def _read(statement: Statement, names: Sequence[str]) -> Reading | None:
    if denial := places.denial(statement.text):
        instead = _names_in(denial[1], names)
        denied = _names_in(denial[0], names)
        return Reading(instead[0]) if instead else Reading(denied[0], denied=True) if denied else None
    found = _names_in(REASON.split(statement.text)[0], names)
    return Reading(found[0] if len(set(found)) == 1 else None) if found else None


def _names_in(text: str, names: Sequence[str]) -> list[str]:
    """The names in a text in their order, but for those that it says are not the answer ("not Ann")."""
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = re.findall(rf"(?<!\bnot )(?<!\w)({pattern})(?!\w)", text, re.IGNORECASE)
    known = {name.lower(): name for name in names}
    return [known[name.lower()] for name in found]
