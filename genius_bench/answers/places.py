r"""Where in a text its final answer stands: the one rule for graders and votes.

1. What is thought does not count (`thoughts.py`).
2. An answer is stated in `\boxed{…}`, after "####", after a phrase ("the answer is", "Answer:", "réponse est"; for
   options also "the best choice is", `phrases.py`), or under a heading. What a phrase states may begin after blank
   lines, display delimiters, a fence or "as follows:", and goes on to the end of the sentence.
3. Of several statements the last that yields an answer of the wanted kind counts, since models restate and correct
   themselves; after a statement "wait, actually it's C" is another. One that gives several answers, or a box that is
   empty, leaves none; one that denies an answer takes it back, and only a conclusion in the last line replaces it.
   Numbers and formulas are mostly boxed, and remarks after a box hold others: there boxes come before phrases.
4. Where nothing is stated, each kind has a last resort of its own: the last line, or the last number.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple
from unicodedata import normalize

from genius_bench.answers.boxes import boxes, different, joined
from genius_bench.answers.phrases import (
    BUT,
    CORRECTING,
    NOT,
    PHRASE,
    REASONING,
    REMARK,
    UNDECIDED,
    UNSURE,
    WORKING,
)
from genius_bench.answers.thoughts import without_thoughts

Place = Literal["box", "hashes", "phrase", "heading", "foreign", "choice", "correction"]
PLACES: dict[str, Place] = {
    "english": "phrase",
    "foreign": "foreign",
    "choice": "choice",
    "correction": "correction",
}
LONGEST = 1000
"""Characters of a statement that are looked at."""
MOST = 50
"""Statements of a kind that are looked at, from the end."""
SENTENCE_END = re.compile(
    r"\n|。|</|(?<=[^\s.])(?<!\bRs)(?<!\bapprox)(?<!\bca)\.(?=\s|$|\*|[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef])"
)
OPENED = r"\$\$|```[\w-]{0,12}(?=\s)|\\begin\{(?:align|aligned|equation|gather|gathered|split|multline)\*?\}"
SKIPPED = re.compile(
    rf"(?:\s|[*_>&]|\.{{2,}}|…|{OPENED}|as\s+follows\b:?|(?:the\s+)?following\b:?|,\s[a-z][a-z ]{{1,30}},(?=\s)"
    r"|(?:simple|clear|obvious|straightforward|easy)\s*:)*+",
    re.IGNORECASE,
)
CLOSED = re.compile(r"\$\$|```|\\end\{")
QUOTED = re.compile(r"\"([^\"\n]*)\"\s*(?:[}\],.]|$)")
HASHES = re.compile(r"^[ \t]*####[ \t]*(?P<text>[^\n]{1,200})$", re.MULTILINE)
FULL_WIDTH = re.compile(
    "[\uff05\uff08\uff09\uff0d-\uff19\uff1d\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]"
)
"""Letters, digits and signs that East Asian keyboards write and mathematical fonts have. Sentence marks stay what they
are: a full-width comma stands between no thousands, and no exclamation is a factorial."""
DENIED = re.compile(rf"{NOT}\s*", re.IGNORECASE)
INSTEAD = re.compile(rf"(?:\b(?=but\b|rather\b)|(?<=[,;:—–]\s)){BUT}", re.IGNORECASE)
LISTED = re.compile(r"\**1[.)]\s+\S")
NEXT_LISTED = re.compile(r"\n\W*2[.)]\s")
LATEX_TEXT = re.compile(
    r"\\(?:textsf|mbox|operatorname|text|textbf|textit|mathrm|mathbf|textrm|mathbb|mathsf)\s*+\{((?:[^{}]|\{[^{}]*+\})*+)\}"
)
HTML = re.compile(r"</?(?:b|strong|i|em|u|mark|span|code|font)(?:\s[^<>]{0,80})?>", re.IGNORECASE)
HTML_LINE = re.compile(r"</?(?:p|div|br|li|h\d)(?:\s[^<>]{0,80})?/?>", re.IGNORECASE)


FENCE = re.compile(r"(?:```|~~~)[\w-]*")


class Statement(NamedTuple):
    """One place where a text gives an answer."""

    place: Place
    begin: int
    text: str
    """To the end of the sentence; of a box what it holds."""
    line: str = ""
    """To the end of the line."""
    rest: str = ""
    """What follows the sentence."""
    several: bool = False
    """Whether boxes that hold different things are joined here."""


class Reading(NamedTuple):
    """What a statement yields. No answer: it leaves none, because it gives several."""

    answer: str | None
    denied: bool = False
    """Whether it says what the answer is not; without an answer, whether nothing else is said."""


def said(text: str) -> str:
    r"""`text` without thoughts and HTML, in plain letters, with `\(…\)` and `\[…\]` as `$…$` and `$$…$$`."""
    text = FULL_WIDTH.sub(lambda match: normalize("NFKC", match[0]), text)
    text = HTML_LINE.sub("\n", HTML.sub("", without_thoughts(text)))
    return re.sub(r"(?<!\\)\\([()\[\]])", lambda match: "$" if match[1] in "()" else "$$", text)


def statements(text: str) -> list[Statement]:
    """The statements of a text (see `said`), the last first."""
    found = [*_boxed(text), *_announced(text), *_after_hashes(text)]
    begun = min((one.begin for one in found if one.place != "correction"), default=len(text))
    found = [one for one in found if one.begin >= begun]
    return sorted(found, key=lambda statement: statement.begin, reverse=True)


def lines(text: str) -> list[str]:
    """The lines that hold something: neither blank ones nor fences."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not FENCE.fullmatch(line)]


def boxes_first(found: Iterable[Statement]) -> list[Statement]:
    return sorted(found, key=lambda statement: statement.place != "box")


def first(found: Iterable[Statement], read: Callable[[Statement], Reading | None]) -> Reading | None:
    """What the first statement yields that yields anything; None where none does."""
    denied: set[str | None] = set()
    for statement in found:
        reading = read(statement)
        if reading is None:
            continue
        if not reading.denied:
            return Reading(None) if reading.answer in denied else reading
        denied.add(reading.answer)
    return Reading(None, denied=True) if denied else None


def opens_reasoning(statement: Statement) -> bool:
    """Whether what follows a phrase is working instead of an answer: "Let's think …", "found by …", "1. … 2. …"."""
    listed = LISTED.match(statement.line) and NEXT_LISTED.search(statement.rest)
    return bool(listed) or REASONING.match(statement.text) is not None


def leaves_open(statement: Statement) -> bool:
    """Whether a text says that it does not know: "unclear", "it depends on …"."""
    return UNDECIDED.match(statement.text) is not None


def denial(text: str) -> tuple[str, str] | None:
    """What a statement says that the answer is not, and what it says instead; None where it denies nothing."""
    if (denied := DENIED.match(text)) is None:
        return None
    instead = INSTEAD.search(text, denied.end())
    if instead is None:
        return text[denied.end() :], ""
    return text[denied.end() : instead.start()], text[instead.end() :]


def without_text_commands(text: str) -> str:
    r"""`\text{B}` as B, `\textbf{(C)}` as (C)."""
    return re.sub(r"\\(?:bf|it|rm|sf)\s+", "", LATEX_TEXT.sub(r"\1", text))


def last_phrase(text: str) -> str | None:
    """The rest of the sentence after the last "answer is"; None when the text has no such phrase."""
    found = [one.text for one in _announced(said(text)) if one.place in ("phrase", "heading") and one.text]
    return found[-1] if found else None


def _boxed(text: str) -> list[Statement]:
    return [
        Statement(
            "box",
            group[0].begin,
            ", ".join(different(group)),
            several=len(different(group)) > 1,
        )
        for group in joined(text, boxes(text)[-MOST:])
    ]


def _after_hashes(text: str) -> list[Statement]:
    return [
        Statement("hashes", match.start(), match["text"].strip())
        for match in list(HASHES.finditer(text))[-MOST:]
    ]


def _announced(text: str) -> list[Statement]:
    """What the phrases of a text announce, in order; those that announce nothing are left out."""
    found = []
    for match in list(PHRASE.finditer(text))[-MOST:]:
        before = text[max(0, match.start() - 60) : match.start()]
        if match["correction"] and not CORRECTING.search(before):
            continue
        heading = match["heading"] is not None or (match["english"] is not None and match[0].endswith("\n"))
        if UNSURE.search(before) or (heading and WORKING.search(before)) or REMARK.match(text, match.end()):
            continue
        kind = match.lastgroup or "english"
        found.append(_statement(text, match, "heading" if heading else PLACES[kind]))
    return found


def _statement(text: str, phrase: re.Match[str], place: Place) -> Statement:
    skipped = SKIPPED.match(text, phrase.end())
    begin = skipped.end() if skipped else phrase.end()
    window = text[
        max(0, begin - 1) : begin + LONGEST
    ]  # with the character before, which a full stop looks back at
    offset = begin - max(0, begin - 1)
    if skipped and re.search(OPENED, skipped[0]):
        end = CLOSED.search(window, offset)
        shown = _formula(window[offset : end.start() if end else len(window)])
        return Statement(place, phrase.start(), shown, shown, "")
    end = SENTENCE_END.search(window, offset)
    sentence = window[offset : end.start() if end else len(window)].strip()
    line = window[offset:].split("\n", 1)[0].strip()
    quoted = QUOTED.match(sentence)
    return Statement(
        place,
        phrase.start(),
        quoted[1].strip() if quoted else sentence,
        line,
        window[end.end() :] if end else "",
    )


def _formula(shown: str) -> str:
    """A displayed formula on one line; of one that is worked out over several lines the last."""
    lines = [line.replace("&", " ").strip() for line in re.split(r"\\\\(?!\w)|\n", shown)]
    lines = [line for line in lines if line]
    if lines and "=" in lines[-1]:
        return lines[-1].removeprefix("=").strip()
    return " ".join(lines)
