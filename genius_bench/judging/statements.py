"""What a judge's reply states: its last own line. Trifles of form change no meaning; two meanings are none.

The statement may be emphasised, listed, bracketed, in capitals or not, and go on with a comment. What the judge thinks,
quotes or supposes does not count, and neither does a statement that the reply goes on from.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable

from genius_bench.answers.quotations import announces, own_lines
from genius_bench.answers.thoughts import TURN_END, without_thoughts

TAG_AS_LABEL = re.compile(r"^\s*<(verdict|score)>(?!\s*\1\b)", re.IGNORECASE)
DECORATION = re.compile(
    r"^\s*(?:[#•-]+\s*)?(?:\d+[.)]\s+)?|[*_`$✅✔☑👍\ufe0f]|\\(?:boxed|text|textbf|mathbf|mathrm)(?=\{)"
    rf"|</?(?:b|i|em|strong|verdict|score)>|{TURN_END}",
    re.IGNORECASE,
)
SPELLINGS = {"\\gg": ">>", "\\gt": ">", "\\>": ">", "“": '"', "”": '"', "‘": "'", "’": "'"}
SPELLING = re.compile(r"\\gg\b|\\gt\b|\\>|[“”‘’]")
REASONS = {"reason", "reasons", "reasoning", "explanation", "rationale", "justification", "comment"}
WHOLLY_QUOTED = re.compile(r"^([\"'])([^\"']*)\1")
SAYS_NOTHING = re.compile(r"[^\w?❌✗✘👎🤔]*")
LEAD = (
    r"(?:^|(?<=[.!?]\s))(?:(?:so|thus|therefore|hence|overall|finally|in (?:conclusion|summary)),?\s+)?"
    r"(?:(?:my|the)\s+)?(?:(?:final|overall)\s+)?"
)
SCALE = r"(?P<scale>\s*(?:\([^()]*\)|out of \d+))?"
BARE = re.compile(r"(?:[\w ]+:\s*)?(\[\[[^\[\]]*\]\])\W*|\{*([AB]\s*[<>=]+\s*[AB])\}*\.?", re.IGNORECASE)
"""A verdict that needs no label: Arena-Hard's double brackets, or nothing else on the line."""
UNREADABLE = ""


def stated(reply: str, label: str, read: Callable[[str], str | None]) -> str | None:
    """What the last own line states behind `label`, as `read` reads it (None: nothing that can be meant).

    None also where another line states something else: a judge that says two things has said neither. What follows the
    last statement is a comment on it.
    """
    plain = (_plain(line) for line in own_lines(without_thoughts(reply)))
    lines = _labels_joined([line for line in plain if not SAYS_NOTHING.fullmatch(line)], label)
    statements = [_statement(line, label, read) for line in lines]
    places = [place for place, one in enumerate(statements) if one is not None]
    if not places or len({statements[place] for place in places}) > 1:
        return None
    last = places[-1]
    first = next((place + 1 for place in range(last, -1, -1) if statements[place] is None), 0)
    if first and announces(lines[first - 1]):
        return None
    return _statement(lines[last], label, read, " ".join(["", *lines[last + 1 :]])) or None


def _labels_joined(lines: list[str], label: str) -> list[str]:
    """The lines, each that is but the label joined with the one that follows."""
    joined: list[str] = []
    for line in lines:
        if joined and re.fullmatch(rf"{LEAD}{label}(?:\s+is)?\s*:?", joined[-1], re.IGNORECASE):
            repeated = re.match(rf"{label}\b", line, re.IGNORECASE)
            joined[-1] = line if repeated else f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _plain(line: str) -> str:
    """The line without what changes no meaning."""
    text = _json_in_words(unicodedata.normalize("NFKC", html.unescape(line)))
    text = SPELLING.sub(lambda found: SPELLINGS[found[0]], text)
    return " ".join(DECORATION.sub("", TAG_AS_LABEL.sub(r"\1: ", text)).split())


def _json_in_words(line: str) -> str:
    """`{"verdict": "A>B", "reason": "it is right"}` is "verdict: A>B because it is right"; other lines as they are."""
    if not line.strip().startswith("{"):
        return line
    try:
        pairs = json.loads(line, object_pairs_hook=list, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return line
    reasons = [f"because {value}" for key, value in pairs if key.lower() in REASONS]
    others = [f"{key}: {value}" for key, value in pairs if key.lower() not in REASONS]
    return " ".join([*others, *reasons])


def _statement(line: str, label: str, read: Callable[[str], str | None], comment: str = "") -> str | None:
    """None where the line states nothing, `UNREADABLE` where what it states, with the comment, cannot be meant."""
    labelled = re.search(
        rf"{LEAD}{label}\b{SCALE}(?P<mark>\s*(?:is\s*:?|[:=–—-]))?\s*(?P<value>.*)", line, re.IGNORECASE
    )
    if labelled:
        value = WHOLLY_QUOTED.sub(r"\2", labelled["value"], count=1) + (labelled["scale"] or "") + comment
        twice = re.search(rf"\b{label}\b", value, re.IGNORECASE)
        found = None if twice else read(value)
        return found or (UNREADABLE if labelled["mark"] else None)
    bare = BARE.fullmatch(line)
    return (read(line + comment) or UNREADABLE) if bare else None
