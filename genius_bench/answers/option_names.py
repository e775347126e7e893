"""What the options of an item are called: a label (A, B, … or 1, 2, …) or the option's own text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from unicodedata import normalize

from genius_bench.answers import places
from genius_bench.answers.phrases import HEDGE

NOUN = (
    r"(?:(?:the\s+)?(?:correct\s+)?(?:answer\s+)?(?:option|choice|letter|label|number)\s*:?\s*"
    r"(?:\d\s+(?=\((?-i:[A-J])\)))?)?"
)
OPENING = re.compile(rf"[\[({{*\"'`$_]*+{HEDGE}{NOUN}[\[({{*\"'`$_]*", re.IGNORECASE)
ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)
CLOSERS = re.compile(r"[\])}*\"'`$_]*")
END = re.compile(
    r"\s*$|\s*[:;!?|)\]]|[.,](?!\w)|[.,]?[\u3000-\u9fff]|<[/|\w]|\s*[-–—]\s|\s+(?:because|since|as|and|or|but|rather|instead|over|which|with|due)\b|\s+\(|\s+[^\w\s=+*/^<>(-]|/",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class OptionNames:
    """The names of one item's options; `names_of` makes them."""

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    """As they are compared; none where only the labels are known."""

    def at(self, text: str, position: int) -> tuple[str, int] | None:
        """The label or option text at a position, and where it ends."""
        begin = end_of(OPENING, text, position)
        return self._text_at(text, position) or self._text_at(text, begin) or self._label_at(text, begin)

    def _text_at(self, text: str, begin: int) -> tuple[str, int] | None:
        for start in dict.fromkeys((begin, end_of(ARTICLE, text, begin))):
            match = self._text.match(text, start) if self._text else None
            if match and END.match(text, end := end_of(CLOSERS, text, match.end())):
                found = [
                    label
                    for label, option in zip(self.labels, self.texts, strict=False)
                    if _squeezed(option) == _squeezed(match[0])
                ]
                return (found[0], end) if len(found) == 1 else None
        return None

    def _label_at(self, text: str, begin: int) -> tuple[str, int] | None:
        match = self.label.match(text, begin)
        if match is None:
            return None
        own = self.own_text(text, match.end(), match[0])
        if own is not None:
            return self.canonical(match[0]), own
        end = end_of(CLOSERS, text, match.end())
        word = text[end:].lstrip()
        if text[begin - 1 : begin] in ("(", "[") and text[match.end() : match.end() + 1] in (")", "]"):
            known = True
        elif match[0] in self.labels:  # "A …" and "I …" open English sentences, "3 …" counts something
            known = bool(END.match(text, end)) or (word[:1].isalpha() and match[0] not in "AI0123456789")
        else:  # a small letter
            known = bool(END.match(text, end)) and not (end == match.end() and word.startswith("("))
        return (self.canonical(match[0]), end) if known else None

    def own_text(self, text: str, position: int, label: str) -> int | None:
        """Where the text of a label's own option ends, when that is what follows ("B: beta")."""
        option = dict(zip(self.labels, self.texts, strict=False)).get(self.canonical(label))
        begin = end_of(re.compile(r"[\W_]{0,8}"), text, position)
        if not option or begin == position:
            return None
        for start in range(begin, position, -1):  # an option's text may begin with a sign
            if match := re.compile(_pattern(option), re.IGNORECASE).match(text, start):
                return match.end()
        return None

    def canonical(self, label: str) -> str:
        """A label as the item writes it."""
        return next(known for known in self.labels if known.lower() == label.lower())

    @cached_property
    def label(self) -> re.Pattern[str]:
        letters = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        return re.compile(rf"(?:{letters})(?!['’]s\b|(?![\u3040-\u9fff])[^\W_])", re.IGNORECASE)

    @cached_property
    def _text(self) -> re.Pattern[str] | None:
        """Any option's text, the longest that fits; a text that is another option's label is left out."""
        known = {label.lower() for label in self.labels}
        texts = sorted({option for option in self.texts if option and option not in known}, key=len)
        return re.compile("|".join(map(_pattern, reversed(texts))), re.IGNORECASE) if texts else None


@lru_cache(maxsize=4096)
def _names(labels: tuple[str, ...], options: tuple[str, ...]) -> OptionNames:
    return OptionNames(labels, tuple(_plain(option) for option in options))


def names_of(labels: Sequence[str], options: Sequence[str]) -> OptionNames:
    """What the options of an item with these labels and texts are called."""
    return _names(tuple(labels), tuple(options))


def _plain(text: str) -> str:
    """An option's text as it is compared: without case, repeated spaces and final full stop."""
    return " ".join(places.said(normalize("NFKC", text)).lower().split()).rstrip(".")


def _squeezed(text: str) -> str:
    return "".join(_plain(text).split())


@lru_cache(maxsize=65536)
def _pattern(option: str) -> str:
    """However it is spaced around its signs ("0.41 J / K"), but with its words apart."""
    parts = re.findall(r"\w+|[^\w\s]", option)
    pattern = re.escape(parts[0]) if parts else ""
    for before, part in pairwise(parts):
        pattern += (r"\s+" if before[-1].isalpha() and part[0].isalpha() else r"\s*") + re.escape(part)
    return pattern + r"(?!\w)"


def end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Where what a pattern finds at a position ends; the position itself where it finds nothing."""
    match = pattern.match(text, position)
    return match.end() if match else position
