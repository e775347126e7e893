"""Answers that are yes or no."""

import re

from genius_bench.answers.places import after_phrase, last_boxed

WORD = re.compile(r"\b(yes|no|true|false)\b", re.IGNORECASE)
MEANING = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}


def extract(text: str) -> str | None:
    """ "Yes" or "No" as the box or answer phrase begins, or as the first or last line does; None otherwise."""
    boxed = last_boxed(text)
    if boxed is not None:
        return _opening(re.sub(r"\\\w+|[{}]", "", boxed))
    phrase = after_phrase(text)
    if phrase is not None:
        return _opening(phrase)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return None
    return _opening(lines[-1]) or _opening(lines[0])


def _opening(phrase: str) -> str | None:
    """The yes or no that a phrase begins with (quotes, stars and brackets aside)."""
    match = WORD.match(phrase.lstrip(" *\"'`([:"))
    return MEANING[match[1].lower()] if match else None
