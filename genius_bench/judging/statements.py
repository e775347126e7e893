"""What a judge's reply states: its last own line. Trifles of form change no meaning; two meanings are none.

The statement may be emphasised, listed, bracketed, in capitals or not, and go on with a comment. What the judge thinks
or quotes does not count, and neither does a statement that the reply goes on from.
"""

import html
import re
import unicodedata
from collections.abc import Callable

from genius_bench.answers.quotations import own_lines
from genius_bench.answers.thoughts import without_thoughts

DECORATION = re.compile(
    r"^\s*(?:[#•-]+\s*)?(?:\d+[.)]\s+)?|[*_`$]|\\boxed(?=\{)|</?(?:b|i|em|strong|verdict|score)>"
    r"|(?:<\|\w+\|>|</s>)\s*$",
    re.IGNORECASE,
)
COMMENT = r"(?:[.,;:!(–—-]|because\b|since\b|as\b).*"
"""What may follow a statement."""
AS_JSON = re.compile(r'\{\s*"(\w+)"\s*:\s*"?([^"{}]*)"?\s*\}')
WHOLLY_QUOTED = re.compile(r"^(\w+\s*:\s*)([\"'])([^\"']*)\2")
ASIDE = re.compile(r"\(.*\)\.?")
LEAD = r"(?:^|(?<=[.!?]\s))(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:my|the)\s+)?(?:(?:final|overall)\s+)?"
BARE = re.compile(r"(?:[\w ]+:\s*)?(\[\[.*\]\])\W*|([AB]\s*[<>=]+\s*[AB])\.?", re.IGNORECASE)
"""A verdict that needs no label: Arena-Hard's double brackets, or nothing else on the line."""
UNREADABLE = ""


def stated(reply: str, label: str, read: Callable[[str], str | None]) -> str | None:
    """What the last own line states behind `label`, as `read` reads it (None: nothing that can be meant).

    None also where another line states something else: a judge that says two things has said neither. A line in
    round brackets is a comment on the line before it.
    """
    lines = [line for line in map(_plain, own_lines(without_thoughts(reply))) if re.search(r"\w", line)]
    while len(lines) > 1 and (
        ASIDE.fullmatch(lines[-1]) or re.fullmatch(rf"{label}\s*:?", lines[-2], re.IGNORECASE)
    ):
        lines[-2:] = [f"{lines[-2]} {lines[-1]}"]
    statements = [_statement(line, label, read) for line in lines]
    others = {one for one in statements if one is not None}
    return statements[-1] if statements and statements[-1] and len(others) == 1 else None


def _plain(line: str) -> str:
    """The line without what changes no meaning."""
    text = DECORATION.sub("", unicodedata.normalize("NFKC", html.unescape(line))).strip()
    return WHOLLY_QUOTED.sub(r"\1\3", AS_JSON.sub(r"\1: \2", text))


def _statement(line: str, label: str, read: Callable[[str], str | None]) -> str | None:
    """None where the line states nothing, `UNREADABLE` where what it states cannot be meant."""
    labelled = re.search(
        rf"{LEAD}{label}\b(?P<mark>\s*(?:is\s*:?|[:=–—-]))?\s*(?P<value>.*)", line, re.IGNORECASE
    )
    if labelled:
        value = labelled["value"]
        twice = re.search(rf"\b{label}\b", value, re.IGNORECASE)
        found = None if twice else read(value)
        return found or (UNREADABLE if labelled["mark"] else None)
    bare = BARE.fullmatch(line)
    return (read(bare[0].strip()) or UNREADABLE) if bare else None
