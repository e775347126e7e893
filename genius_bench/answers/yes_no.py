"""Answers that are yes or no."""

import re
from unicodedata import normalize

from genius_bench.answers.places import ANY_PHRASE, HEDGE, after_phrase, split_at_box, without_text_commands

MEANING = {
    **dict.fromkeys(("yes", "yep", "yup", "yeah", "true"), "Yes"),
    **dict.fromkeys(("no", "nope", "false"), "No"),
}
WORD = rf"\b(?P<word>{'|'.join(MEANING)})\b"
# What may follow the word: nothing, a sign, or the beginning of a clause. "No one" and "true love" are no answers.
CLAUSE = (
    r"\s+(?:because|since|as|for|it|he|she|they|this|that|there|you|we|i|the|a|an|but|not|if|so|in|and|or)\b"
)
OPENING = re.compile(rf"{HEDGE}{WORD}(?=\s*$|\s*[^\w\s]|{CLAUSE})", re.IGNORECASE)
OTHER = re.compile(
    rf"\W{{0,5}}?(?:[,/|]|\band\b|\bor\b)\W{{0,5}}{WORD}(?=\s*$|[^\w\s]|\s+(?:and|or)\b)", re.IGNORECASE
)
NOT_BUT = re.compile(rf"not\W+{WORD}\W+(?:but|rather)\s+", re.IGNORECASE)
CLOSING = re.compile(rf"\b(?:so|thus|therefore|hence),?\s+{WORD}\W*$", re.IGNORECASE)
SIGNS = " *_\"'`([{:$"


def extract(text: str) -> str | None:
    """ "Yes" or "No" as the box or answer phrase begins, or as the first or last line does; None otherwise."""
    boxed, rest = split_at_box(normalize("NFKC", text))
    phrase = after_phrase(rest, ANY_PHRASE)
    if boxed is not None:
        return (_opening(phrase) if phrase else None) or _opening(boxed)
    if phrase is not None:
        return _opening(phrase)
    lines = [line.strip() for line in rest.strip().splitlines() if line.strip()]
    if not lines:
        return None
    return _opening(lines[-1]) or _closing(lines[-1]) or _opening(lines[0])


def _opening(phrase: str) -> str | None:
    """The yes or no that a phrase begins with (quotes, stars and brackets aside); None for "yes and no"."""
    phrase = without_text_commands(phrase).lstrip(SIGNS)
    if corrected := NOT_BUT.match(phrase):
        phrase = phrase[corrected.end() :].lstrip(SIGNS)
    match = OPENING.match(phrase)
    if not match:
        return None
    meaning = MEANING[match["word"].lower()]
    other = OTHER.match(phrase, match.end())
    return meaning if other is None or MEANING[other["word"].lower()] == meaning else None


def _closing(line: str) -> str | None:
    """The yes or no that a line concludes with: "…, so no."."""
    match = CLOSING.search(line)
    return MEANING[match["word"].lower()] if match else None
