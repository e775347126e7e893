"""Answers whose form is what counts. A check is a word and what it is about: "bullets 3", "includes snow"."""

import re
from collections.abc import Callable, Sequence

from genius_bench.answers import places

BULLET = re.compile(r"[-*•]\s+\S")
SENTENCE = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)")


def _bullets(text: str, wanted: str) -> bool:
    """That many lines that begin with a dash, a star or a bullet."""
    return sum(BULLET.match(line) is not None for line in places.lines(text)) == int(wanted)


def _sentences(text: str, wanted: str) -> bool:
    """That many ends of sentences, and no beginning of another after the last."""
    ends = list(SENTENCE.finditer(text))
    return len(ends) == int(wanted) and not text[ends[-1].end() :].strip()


def _words(text: str, wanted: str) -> bool:
    least, most = map(int, wanted.split("-"))
    return least <= len(text.split()) <= most


def _includes(text: str, wanted: str) -> bool:
    """The word by itself, in small letters or large."""
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE) is not None


def _begins(text: str, wanted: str) -> bool:
    return text.startswith(wanted)


def _ends(text: str, wanted: str) -> bool:
    return text.endswith(wanted)


def _lowercase(text: str, _: str) -> bool:
    return text == text.lower() != text.upper()


CHECKS: dict[str, Callable[[str, str], bool]] = {
    "begins": _begins,
    "bullets": _bullets,
    "ends": _ends,
    "includes": _includes,
    "lowercase": _lowercase,
    "sentences": _sentences,
    "words": _words,
}
"""What a check is called → whether a text passes it."""
ARGUMENTS = {"bullets": r"[1-9]\d*", "sentences": r"[1-9]\d*", "words": r"\d+-[1-9]\d*", "lowercase": ""}
"""What may follow the word; anything else that is not empty."""


def is_check(text: str) -> bool:
    name, _, wanted = text.partition(" ")
    return name in CHECKS and re.fullmatch(ARGUMENTS.get(name, r"\S.*"), wanted) is not None


def first_failed(text: str, checks: Sequence[str]) -> str | None:
    """The first check that a text does not pass; None where it passes all. Thoughts do not count."""
    text = places.said(text).strip()
    for check in checks:
        name, _, wanted = check.partition(" ")
        if not CHECKS[name](text, wanted):
            return check
    return None
