"""Answers that are one number: word problems, integer competitions. `numerals` says when two are equal."""

import re

from genius_bench.answers import places
from genius_bench.answers.numerals import NUMBER, agrees, as_number, canonical, plain, shown, value
from genius_bench.answers.places import Reading, Statement

__all__ = ["agrees", "alone", "as_number", "canonical", "extract", "first_number", "read"]

UNIT_POWER = re.compile(r"\^\s?\{?\\circ\}?|(?<=[a-zA-Z}])\^(?:\{[^{}]*\}|\d)")
# What makes a number a part of something else: an operation still to do, a range, another answer.
GOES_ON = re.compile(
    r"\s?(?:[-+*×·:^!]|\\times|\\cdot|,|\bor\b|\band\b|\bto\b)?\s?[$€£¥]?\s?-?\d|\.\d|\s?(?:[\^!√π]|\\pi)"
    r"|\s?[-+*/]\s?(?:[a-zA-Z](?!\w)|\\[a-z]|\()|[xyzn](?!\w)"
    r"|\s?[a-zA-Z]{1,15}\s+(?:and|or)\s+[$€£¥]?\d|\s+dozen\b"
)
OPERAND = re.compile(r"[\w)}]\s?[+*^]\s?$")
ROOT = re.compile(r"(?:√|\\(?:sqrt|log|ln|pi|binom|sin|cos|tan)\b[\s{(\\]*|\^\{?)$")
LIMIT = r"(?:(?:less|more|fewer|greater|larger|smaller|higher|lower)\s+than|at\s+(?:least|most)|over|under)"
RANGE = re.compile(rf"(?:between|either|neither|from|{LIMIT})\b", re.IGNORECASE)
SEVERAL = re.compile(r"=[^=]*(?:\bor\b|\band\b|[,;])[^=]*=")
SPAN = re.compile(r"\d[\s$]{0,2}(?:-|\bto\b|\bor\b)[\s$]{0,2}(?:[a-z]\s?=\s?)?$")
"""Before a text's last number: it is the end of a range or of a list."""
NEW_ENDS = re.compile(r"[,;(—–](?!\d)|\.(?!\d)|\b(?:because|since|as|not|instead)\b")
NEW_WORDS = 1
"""Words that the number of a correction may have after it: "14 dollars"."""
VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|do|does|did|can|will|per|each|of|more|less|fewer|times)\b|\?",
    re.IGNORECASE,
)
LISTED = re.compile(r"\d{1,2}[.):]\s+\S")
BEFORE = re.compile(
    r"(?:[^\w.$-]|\b(?:about|around|approximately|roughly|exactly|just|only|a|an|the|total|of|simply|therefore|thus|so|now"
    r"|equal|to|[a-z])\b)*",
    re.IGNORECASE,
)
"""What may stand before the number that begins a statement."""
UNITS = re.compile(
    r"\s*(?:(?:\\?[%°$€£]|(?:cm|mm|km|m|kg|mg|g|ml|L|s|h|min|mph|USD)(?![a-zA-Z])(?:/\w{1,3}(?!\w))?|[.,;:!?*_`\"'’)}\s])\s*)*"
)
WORD = re.compile(
    r"(?!(?:or|and|to|times|plus|minus|over|mod|choose|squared|cubed|factorial|divided|by)\b)[^\W\d_]{2,}"
)
DECORATION = " \n\"'*`$([{:"
BOUND = re.compile(rf"\b{LIMIT}\s*$")
FORMULA = re.compile(r"[\d\\^_{}+*/=<>|()\[\]√π∞±∪∅]|(?<![\w'’])(?![aAI]\s)[a-zA-Z](?![\w'’])")
"""What a formula has and words have not: digits, operators, variables."""


def extract(text: str) -> str | None:
    r"""The final number as `places` finds it, or the text's last one where nothing is stated.

    "3 or 4" and "2^{10}" are no numbers: nothing is picked out of them. A text without digits after a phrase
    ("unknown", "twelve") is an answer too, so that no other number is guessed.
    """
    said = places.said(text)
    stated = places.statements(said)
    if (reading := places.first(places.boxes_first(stated), read)) is not None:
        return reading.answer
    spoken = (one for one in stated if one.place in ("box", "phrase", "foreign"))
    return None if any(one.text and not places.opens_reasoning(one) for one in spoken) else _last_number(said)


def read(statement: Statement) -> Reading | None:
    """The number of a statement."""
    text = statement.text
    if statement.place == "box":
        return _read_box(statement)
    if statement.place == "choice" or places.opens_reasoning(statement):
        return None
    if statement.place == "correction":
        return _read_correction(text)
    if statement.place == "hashes":
        return Reading(first_number(text)) if NUMBER.match(plain(text)) and not LISTED.match(text) else None
    if (denial := places.denial(text)) is not None:
        denied, instead = map(first_number, denial)
        return Reading(instead) if instead else Reading(denied, denied=True) if denied else None
    if RANGE.match(text) or SEVERAL.search(text) or places.leaves_open(statement):
        return Reading(None)
    if statement.place == "heading" and _begins_working(statement):
        return None
    return Reading(first_number(text)) if _numbers(_without_units(text)) else None


def alone(text: str) -> str | None:
    """The number that a statement comes to, in canonical form; None where it may be a formula ("2x", "3 or 4").

    It may have a unit and words around it, and words with other numbers after it ("18 for 3 days").
    """
    text = places.without_text_commands(text)
    sides = [text] if SEVERAL.search(text) else list(dict.fromkeys((text, text.rsplit("=", 1)[-1])))
    for side in sides:
        side = UNIT_POWER.sub("", plain(side))
        found = _numbers(side)
        if not found or _written(found[0]) is None:
            continue
        before, after = side[: found[0].start()].strip(DECORATION), side[found[0].end() :]
        units = UNITS.match(after)
        rest = after[units.end() :] if units else after
        spaced = rest != after and after[:1].isspace()
        words = WORD.match(rest) is not None and spaced
        if not FORMULA.search(before) and not BOUND.search(before) and (not rest or words):
            exact = value(found[0])
            return None if exact is None else canonical(exact)
    return None


def _read_box(statement: Statement) -> Reading | None:
    if statement.several or not statement.text:
        return Reading(None)
    found = _numbers(_without_units(statement.text))
    return Reading(_written(found[0]) if len(found) == 1 else None) if found else None


def _read_correction(text: str) -> Reading | None:
    """The number that a correction names and says nothing else about: "14.", "14 eggs", but not "3 eggs were eaten"."""
    clause = plain(NEW_ENDS.split(text, maxsplit=1)[0])
    begin = BEFORE.match(clause)
    found = NUMBER.match(clause, begin.end() if begin else 0)
    if found is None or VERB.search(clause) or len(clause[found.end() :].rsplit("=")[-1].split()) > NEW_WORDS:
        return None
    corrected = first_number(clause)
    return Reading(corrected) if corrected else None


def _begins_working(statement: Statement) -> bool:
    """Whether a heading is followed by sentences with numbers, of which the first is not yet the answer."""
    paragraph = re.split(r"\n\s*\n", statement.rest, maxsplit=1)[0]
    words = BEFORE.match(statement.text)
    direct = NUMBER.match(plain(statement.text[words.end() if words else 0 :])) is not None
    computed = re.search(r"\d[^=]*=", statement.text) is not None
    return (computed or not direct) and re.search(r"\d", paragraph) is not None


def first_number(text: str) -> str | None:
    """The first number that stands for itself, behind the last "=" where there is one."""
    found = _numbers(_without_units(text))
    return _written(found[0]) if found else None


def _last_number(text: str) -> str | None:
    found = _numbers(plain(text))
    if not found or SPAN.search(
        found[-1].string[max(0, found[-1].start("value") - 14) : found[-1].start("value")]
    ):
        return None
    return shown(found[-1])


def _numbers(text: str) -> list[re.Match[str]]:
    return [match for match in NUMBER.finditer(text) if not _is_part_of_word(match)]


def _is_part_of_word(match: re.Match[str]) -> bool:
    """The 2 of "x2" and the minus of "7-5" are no numbers of their own."""
    before = match.string[match.start() - 1 : match.start()]
    latin = before.isalpha() and before.isascii()
    return latin or before == "_" or (before == "." and match.string[match.start()] != "-")


def _without_units(text: str) -> str:
    return UNIT_POWER.sub("", plain(text.rsplit("=", 1)[-1]))


def _written(match: re.Match[str]) -> str | None:
    """The number that stands for itself: not under a root, not in a product, a range or a list."""
    if ROOT.search(match.string[max(0, match.start() - 20) : match.start()]):
        return None
    before = match.string[max(0, match.start() - 4) : match.start()]
    if OPERAND.search(before) or (match["sign"] and re.search(r"(?<!\w)[a-zA-Z]\s?$|[)}]$", before)):
        return None
    return None if GOES_ON.match(match.string, match.end()) else shown(match)
