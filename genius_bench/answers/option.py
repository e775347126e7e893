"""Answers that are the label of an option (A, B, … or 1, 2, …)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from unicodedata import normalize

from genius_bench.answers.places import (
    FOREIGN,
    HEDGE,
    OPENER,
    REMARK,
    after_phrase,
    split_at_box,
    without_text_commands,
)

PHRASE = re.compile(
    rf"(?:{OPENER}|{FOREIGN}|\b(?:correct|right|best|final)\s+(?:option|choice|letter)\s+is\b:?"
    rf"|\bI(?:'ll| will| would|'d)?\s+(?:choose|pick|select|go\s+with)\b)[\s*]*+{REMARK}",
    re.IGNORECASE,
)
NOUN = r"(?:(?:the\s+)?(?:correct\s+)?(?:answer\s+)?(?:option|choice|letter|label|number)\s*:?\s*)?"
DECORATION = re.compile(r"(?:[^\w\s$+\-−–~¬√.<>=^/\\]|\s|[-–](?=\s))*")
OPENING = re.compile(rf"{HEDGE}{NOUN}[\[({{*\"'`$]*", re.IGNORECASE)
ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)
CLOSERS = re.compile(r"[\])}*\"'`$]*")
END = re.compile(
    r"\s*$|\s*[:;!?|)\]]|[.,](?!\w)|<[/|\w]|\s*[-–—]\s|\s+(?:because|since|as|and|or|but)\b|\s+\(|\s+[^\w\s=+*/^<>(-]|/",
    re.IGNORECASE,
)
OR = re.compile(r"\s*(?:or\b|and/or\b|/)", re.IGNORECASE)
JOIN = re.compile(r"\s*(?:[,;&]\s*(?:or\b|and\b)?|and\b)\s*", re.IGNORECASE)
NOT = re.compile(r"not\s+", re.IGNORECASE)
BUT = re.compile(r"[,;]?\s*(?:but|rather|it is|it's)\s+", re.IGNORECASE)
CONCLUSION = r"(?:so|thus|therefore|hence),?\s+"


def extract(text: str, labels: Sequence[str], options: Sequence[str] = ()) -> str | None:
    """The option that the answer names, by label or by its full text; None when it names none, or two.

    The label must stand where an answer stands (box, answer phrase, or alone): the "A" that opens a sentence is none.
    A phrase after a box counts before it: the box may hold a value, and the phrase the option that has it.
    """
    names = _names(tuple(labels), tuple(_plain(option) for option in options))
    boxed, rest = split_at_box(normalize("NFKC", text))
    phrase = after_phrase(rest, PHRASE)
    if boxed is not None:
        return (names.named(phrase) if phrase else None) or names.named(boxed)
    if phrase is not None:
        return names.named(phrase)
    lines = [line.strip() for line in rest.strip().splitlines() if line.strip()]
    return names.concluded(lines[-1]) if lines else None


@dataclass(frozen=True)
class _Names:
    """What the options of one item are called."""

    labels: tuple[str, ...]
    options: tuple[str, ...]

    def named(self, phrase: str) -> str | None:
        """The one option that a phrase begins with: "B", "(b)", "**B**: …", "option B", or the option's text."""
        phrase = without_text_commands(phrase)
        phrase = phrase[_end(DECORATION, phrase, 0) :]
        if (denied := NOT.match(phrase)) and (name := self._name_at(phrase, denied.end())):
            but = BUT.match(phrase, name[1])
            return self.named(phrase[but.end() :]) if but else None
        name = self._name_at(phrase, 0)
        if name is None or OR.match(phrase, name[1]):
            return None
        if joined := JOIN.match(phrase, name[1]):
            second = self._name_at(phrase, joined.end())
            if second is not None and second[0] != name[0]:
                return None
        return name[0]

    def concluded(self, line: str) -> str | None:
        """The option of a last line: "B", "**B.**", "B) beta", "…. So B.", "Hence option B is correct."."""
        stripped = line.strip("*()[]. :`\"'")
        if stripped in self.labels:
            return stripped
        if (match := self._closing.search(line)) is not None:
            return match["last"] or match["verdict"]
        label = self._label.match(line, _end(OPENING, line, 0))
        if label is None:
            return None
        own = self._own_text(line, label.end(), label[0])
        return self._canonical(label[0]) if own is not None and not line[own:].strip(" .*") else None

    def _name_at(self, text: str, position: int) -> tuple[str, int] | None:
        """The label or option text at a position, and where it ends."""
        begin = _end(OPENING, text, position)
        return self._text_at(text, position) or self._text_at(text, begin) or self._label_at(text, begin)

    def _text_at(self, text: str, begin: int) -> tuple[str, int] | None:
        for start in dict.fromkeys((begin, _end(ARTICLE, text, begin))):
            match = self._text.match(text, start) if self._text else None
            if match and END.match(text, end := _end(CLOSERS, text, match.end())):
                found = [
                    label
                    for label, option in zip(self.labels, self.options, strict=False)
                    if option == _plain(match[0])
                ]
                return (found[0], end) if len(found) == 1 else None
        return None

    def _label_at(self, text: str, begin: int) -> tuple[str, int] | None:
        match = self._label.match(text, begin)
        if match is None:
            return None
        own = self._own_text(text, match.end(), match[0])
        if own is not None:
            return self._canonical(match[0]), own
        end = _end(CLOSERS, text, match.end())
        word = text[end:].lstrip()
        if match[0] in self.labels:  # "A …" and "I …" open English sentences, "3 …" counts something
            known = bool(END.match(text, end)) or (word[:1].isalpha() and match[0] not in "AI0123456789")
        else:  # a small letter
            known = bool(END.match(text, end)) and not (end == match.end() and word.startswith("("))
        return (self._canonical(match[0]), end) if known else None

    def _own_text(self, text: str, position: int, label: str) -> int | None:
        """Where the text of a label's own option ends, when that is what follows ("B: beta")."""
        option = dict(zip(self.labels, self.options, strict=False)).get(self._canonical(label))
        begin = _end(re.compile(r"[\W_]{0,8}"), text, position)
        if not option or begin == position:
            return None
        match = re.compile(_pattern(option), re.IGNORECASE).match(text, begin)
        return match.end() if match else None

    def _canonical(self, label: str) -> str:
        return next(known for known in self.labels if known.lower() == label.lower())

    @cached_property
    def _label(self) -> re.Pattern[str]:
        letters = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        return re.compile(rf"(?:{letters})(?!\w)", re.IGNORECASE)

    @cached_property
    def _text(self) -> re.Pattern[str] | None:
        """Any option's text, the longest that fits; a text that is another option's label is left out."""
        known = {label.lower() for label in self.labels}
        texts = sorted({option for option in self.options if option and option not in known}, key=len)
        return re.compile("|".join(map(_pattern, reversed(texts))), re.IGNORECASE) if texts else None

    @cached_property
    def _closing(self) -> re.Pattern[str]:
        letters = "|".join(re.escape(label) for label in self.labels if label.isalpha()) or r"(?!)"
        return re.compile(
            rf"(?:^|[.;,]\s+)(?i:{CONCLUSION})(?:(?i:option|choice)\s+)?[(*]*(?P<last>{letters})[)*]*[.!]?$"
            rf"|(?:^|[.;,]\s+)(?i:{CONCLUSION})?(?:(?i:option|choice|answer)\s+)?[(*]*(?P<verdict>{letters})[)*]*"
            rf"\s+is\s+(?:the\s+)?(?:only\s+)?(?:correct|right|best)\b(?:\s+(?:option|choice|answer|one))?[.!*]*$"
        )


@lru_cache(maxsize=4096)
def _names(labels: tuple[str, ...], options: tuple[str, ...]) -> _Names:
    return _Names(labels, options)


def _plain(text: str) -> str:
    """An option's text as it is compared: without case, repeated spaces and final full stop."""
    return " ".join(normalize("NFKC", text).lower().split()).rstrip(".")


def _pattern(option: str) -> str:
    return r"\s+".join(re.escape(word) for word in option.split()) + r"(?!\w)"


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
