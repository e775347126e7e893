"""Answers that are yes or no."""

import re

from genius_bench.answers import places
from genius_bench.answers.phrases import BUT, NOT
from genius_bench.answers.places import Reading, Statement

MEANING = {
    **dict.fromkeys(("yes", "yep", "yup", "yeah", "true"), "Yes"),
    **dict.fromkeys(("no", "nope", "false"), "No"),
}
WORD = rf"(?<![^\W_])(?P<word>{'|'.join(MEANING)})(?![a-zA-Z0-9])"
# "most likely", "a definite", "technically"; but "hardly" and "only" change what is said.
HEDGE = (
    r"(?:(?!(?:hardly|scarcely|only|unlikely|supposedly|allegedly|not)\b)(?:\w+ly\b,?|an?\b|the\b|an?\s+\w+(?=\W+(?:yes|no)\b)|that\b|most\b|very\b|quite\b|almost\b|still\b"
    r"|definite\b|resounding\b|clear\b|firm\b|emphatic\b|simple\b|short\b|qualified\b|tentative\b|strong\b|hard\b|big\b|solid\b"
    r"|(?:therefore|thus|hence|indeed|so|overall|ultimately|in\s+(?:fact|short|conclusion|summary|all\s+likelihood))\b[,:]?"
    r"|(?:I|we)\s+(?:would\s+)?(?:think|believe|guess|say)\b,?|I['’]d\s+say\b,?|yet\b)\s+){0,5}"
)
SIGNS = r"[\s*_\"'“”‘’`(\[{:$]*+"
# What may follow the word: nothing, a sign, or the beginning of a clause. "No one" and "true love" are no answers.
CLAUSE = (
    r"\s+(?:because|since|as|for|it|he|she|they|this|that|there|you|we|i|the|a|an|but|not|if|so|in|and|or"
    r"|although|though)\b"
)
OPENING = re.compile(
    rf"{SIGNS}{HEDGE}{SIGNS}{WORD}(?=\s*$|\s*[^\w\s]|_|\s*[^\x00-\x7f]|{CLAUSE})", re.IGNORECASE
)
OTHER = re.compile(
    rf"\W{{0,5}}?(?:[,/|]|\band\b|\bor\b)\W{{0,5}}{WORD}(?=\s*$|[^\w\s]|\s+(?:and|or)\b)", re.IGNORECASE
)
DENIED = re.compile(rf"{SIGNS}{NOT}\W+{WORD}", re.IGNORECASE)
INSTEAD = re.compile(rf"\W+{BUT}", re.IGNORECASE)
EITHER = re.compile(rf"{SIGNS}(?:either|neither|both)\W+{WORD}", re.IGNORECASE)
BARE_NOT = re.compile(
    rf"{SIGNS}(?:{HEDGE})not(?:\s+(?:really|at\s+all|exactly))?(?=[^\w\s]|\s*$)", re.IGNORECASE
)
"""After a colon: "Answer: probably not."."""
CLOSING = re.compile(
    rf"(?:\b(?:so|thus|therefore|hence),?\s+"
    r"|(?:^|[.;,]\s+)(?:(?:so|thus|therefore|hence),?\s+)?"
    rf"(?:the|this|that)\s+(?:statement|claim|assertion|proposition|sentence)\s+is\s+{HEDGE}['\"*]*)"
    rf"{WORD}\W*$",
    re.IGNORECASE,
)


def extract(text: str) -> str | None:
    """ "Yes" or "No" as `places` finds it, or as the last or the first line begins where nothing is stated."""
    said = places.said(text)
    stated = places.statements(said)
    reading = places.first(stated, read)
    if reading is not None and not reading.denied:
        return reading.answer
    lines = places.lines(said)
    if reading is not None:
        closing = concluding(lines[-1])
        return closing.answer if closing else None
    if not lines:
        return None
    for reading in (_opening(lines[-1]), concluding(lines[-1]), _opening(lines[0])):
        if reading is not None:
            return None if reading.denied else reading.answer
    return None


def read(statement: Statement) -> Reading | None:
    """The yes or no that a statement begins with."""
    if (statement.place == "box" and not statement.text) or places.leaves_open(statement):
        return Reading(None)
    if statement.place == "heading" and BARE_NOT.match(statement.text):
        return Reading("No")
    reading = _opening(statement.text)
    return Reading(None) if reading and statement.several else reading


def _opening(phrase: str) -> Reading | None:
    """The yes or no that a phrase begins with (quotes, stars and brackets aside); "yes and no" leaves none."""
    phrase = places.without_text_commands(phrase)
    if EITHER.match(phrase):
        return Reading(None)
    if denied := DENIED.match(phrase):
        but = INSTEAD.match(phrase, denied.end())
        return _opening(phrase[but.end() :]) if but else Reading(MEANING[denied["word"].lower()], denied=True)
    match = OPENING.match(phrase)
    if not match:
        return None
    meaning = MEANING[match["word"].lower()]
    other = OTHER.match(phrase, match.end())
    return Reading(meaning if other is None or MEANING[other["word"].lower()] == meaning else None)


def concluding(line: str) -> Reading | None:
    """The yes or no that a line concludes with: "…, so no."."""
    match = CLOSING.search(line)
    return Reading(MEANING[match["word"].lower()]) if match else None
