"""Answers that are the label of an option (A, B, … or 1, 2, …)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from unicodedata import normalize

from genius_bench.answers import places
from genius_bench.answers.places import Reading, Statement

HEDGE = (
    r"(?:(?:definitely|clearly|actually|probably|most likely|likely|therefore|thus|indeed|simply)[,:]?\s+"
    r"|I (?:think|believe)\s+)*"
)
"""What an answer may begin with without being less of an answer."""
NOUN = (
    r"(?:(?:the\s+)?(?:correct\s+)?(?:answer\s+)?(?:option|choice|letter|label|number)\s*:?\s*"
    r"(?:\d\s+(?=\((?-i:[A-J])\)))?)?"
)
DECORATION = re.compile(r"(?:[^\w\s$+\-−–~¬√.<>=^/\\]|_|\s|[-–](?=\s))*")
OPENING = re.compile(rf"[\[({{*\"'`$_]*+{HEDGE}{NOUN}[\[({{*\"'`$_]*", re.IGNORECASE)
ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)
CLOSERS = re.compile(r"[\])}*\"'`$_]*")
END = re.compile(
    r"\s*$|\s*[:;!?|)\]]|[.,](?!\w)|[.,]?[\u3000-\u9fff]|<[/|\w]|\s*[-–—]\s|\s+(?:because|since|as|and|or|but|rather|instead|over|which|with|due)\b|\s+\(|\s+[^\w\s=+*/^<>(-]|/",
    re.IGNORECASE,
)
OR = re.compile(r"\s*(?:or\b|and/or\b|/)", re.IGNORECASE)
JOIN = re.compile(r"\s*(?:[,;&]\s*(?:or\b|and\b)?|and\b)\s*", re.IGNORECASE)
NOT = re.compile(r"(?:not|n['’]t|cannot\s+be|can['’]t\s+be)\s+", re.IGNORECASE)
EITHER = re.compile(r"(?:either|neither|both|also)\s+", re.IGNORECASE)
BUT = re.compile(r"[,;]?\s*(?:but|rather|it is|it's)\s+", re.IGNORECASE)
VERB = re.compile(
    r"[)*\"']*\s+(?:is|are|was|were|has|have|does|would|can|cannot|fails?|seems?|looks?|sounds?|might|may|could|works?|fits)\b",
    re.IGNORECASE,
)
VERDICT = (
    r"\s+(?:is|seems|looks|fits)\s+(?:to\s+be\s+)?(?:clearly\s+)?(?:(?:the|therefore|thus)\s+)?(?:only\s+)?"
    r"(?:correct|right|best|better(?!\s+than)|closest|most\s+(?:likely|plausible|accurate|appropriate))\b(?:\s+(?:option|choice|answer|one|match))?"
)
RIGHT = re.compile(rf"[)*\"']*{VERDICT}", re.IGNORECASE)
ALONE = re.compile(
    r"[^\w?]*$|\W*(?:because|since|as|not|instead|after\s+all)\b|[)*\"'\]]*(?:[.,;:!…—–]|\s+[(—–-])"
)
"""What may follow the answer of a correction."""
TURNED_DOWN = re.compile(r"\W*(?:no|wrong|incorrect|false|too|also)\b", re.IGNORECASE)
EXPLANATION = re.compile(
    r"\W*(?:explanation|reason(?:ing)?|rationale|justification|because|why)\b", re.IGNORECASE
)
CONCLUSION = r"(?:(?:so|thus|therefore|hence|overall|but|wait|actually|no)\b[,:]?\s+){1,3}"
LEFT = r"(?:which\s+)?leav(?:es|ing)\s+(?:us\s+with\s+)?(?:only\s+)?"
STRIPPED = "*()[]{}. :`\"'$_【】「」。"


def extract(text: str, labels: Sequence[str], options: Sequence[str] = ()) -> str | None:
    """The option that the answer names as `places` finds it, by label or by its full text.

    The label must stand where an answer stands, or alone: the "A" that opens a sentence is none. Where nothing is
    stated the last line counts, or a first line that is but an option.
    """
    said = places.said(normalize("NFKC", text))
    reading = places.first(
        places.statements(said), partial(read, labels=tuple(labels), options=tuple(options))
    )
    if reading is not None and not reading.denied:
        return reading.answer
    return names_of(labels, options).concluded(places.lines(said))


def read(statement: Statement, labels: tuple[str, ...], options: tuple[str, ...] = ()) -> Reading | None:
    """The option of a statement."""
    if statement.place == "box" and not statement.text:
        return Reading(None)
    names = names_of(labels, options)
    phrase = statement.line or statement.text
    if statement.place == "correction":
        return names.corrected(phrase)
    return None if statement.place == "choice" and names.judged(phrase) else names.named(phrase)


@dataclass(frozen=True)
class _Names:
    """What the options of one item are called."""

    labels: tuple[str, ...]
    options: tuple[str, ...]

    def named(self, phrase: str) -> Reading | None:
        """The one option that a phrase begins with: "B", "(b)", "**B**: …", "option B", or the option's text."""
        phrase = places.without_text_commands(phrase)
        phrase = phrase[_end(DECORATION, phrase, 0) :]
        if (denied := NOT.match(phrase)) and (name := self._name_at(phrase, denied.end())):
            but = BUT.match(phrase, name[1])
            return self.named(phrase[but.end() :]) if but else Reading(name[0], denied=True)
        name = self._name_at(phrase, 0)
        if name is None:
            either = EITHER.match(phrase)
            return Reading(None) if either and self._name_at(phrase, either.end()) else None
        return Reading(None if self._another(phrase, *name) else name[0])

    def corrected(self, phrase: str) -> Reading | None:
        """The option that a correction names and says nothing else about: "C.", "C is right", but not "C fails"."""
        phrase = places.without_text_commands(phrase)
        name = self._name_at(phrase, 0)
        if name is not None and OR.match(phrase, name[1]):
            return Reading(None)
        if name is None or self.judged(phrase) or self._another(phrase, *name):
            return None
        end = name[1]
        if TURNED_DOWN.match(phrase, end):
            return None
        told = ALONE.match(phrase, end) or RIGHT.match(phrase, end)
        unknown_text = not self.options and phrase[end - 1] == ")"  # "(C) gamma" where no texts are known
        return Reading(name[0]) if told or unknown_text else None

    def judged(self, phrase: str) -> bool:
        """Whether a phrase says something about options but that one is right: "B is wrong", "A and B are likely"."""
        name = self._name_at(phrase, 0)
        if name is None or RIGHT.match(phrase, name[1]):
            return False
        join = JOIN.match(phrase, name[1])
        second = self._name_at(phrase, join.end()) if join else None
        return any(VERB.match(phrase, end) for _, end in filter(None, (name, second)))

    def concluded(self, lines: Sequence[str]) -> str | None:
        """The option of a last line ("B", "B) beta", "…. So B."), or of a first line that is explained afterwards."""
        if not lines:
            return None
        if (bare := self._bare(lines[-1])) is not None:
            return bare
        if (match := self._closing.search(lines[-1])) is not None:
            return match["last"] or match["verdict"]
        if len({name for line in lines if (name := self._alone(line)) is not None}) > 1:
            return None  # the options once more
        if (name := self._alone(lines[-1]) or self._alone(lines[0])) is not None:
            return name
        return self._labelled(lines[0]) if len(lines) > 1 and EXPLANATION.match(lines[1]) else None

    def _alone(self, line: str) -> str | None:
        """The option of a line that is nothing else: "B", "**(b)**", "B. beta"."""
        if bare := self._bare(line):
            return bare
        line = places.without_text_commands(line)
        label = self._label.match(line, _end(OPENING, line, 0))
        own = self._own_text(line, label.end(), label[0]) if label else None
        return (
            self._canonical(label[0])
            if label and own is not None and not line[own:].strip(STRIPPED)
            else None
        )

    def _bare(self, line: str) -> str | None:
        """The label that a line consists of, small letters too."""
        stripped = places.without_text_commands(line).strip(STRIPPED)
        stripped = re.sub(r"^(?:option|choice)\s+", "", stripped, flags=re.IGNORECASE).strip(STRIPPED)
        known = {label.lower(): label for label in self.labels}
        return known.get(stripped.lower()) if len(stripped) < 4 else None

    def _labelled(self, line: str) -> str | None:
        """The label of "(B) …" or "B. …"."""
        match = re.match(r"[*_]*\(?", line)
        label = self._label.match(line, match.end() if match else 0)
        return (
            label[0]
            if label and label[0] in self.labels and re.match(r"[).:]", line[label.end() :])
            else None
        )

    def _another(self, text: str, name: str, end: int) -> bool:
        """Whether a second option is named beside the first: "B or D", "B and D", "B. blue and D. black"."""
        if OR.match(text, end):
            return True
        joins = [match for match in (JOIN.match(text, end), self._also.match(text, end)) if match]
        for join in joins:
            second = self._name_at(text, join.end())
            if second is not None and second[0] != name and not VERB.match(text, second[1]):
                return True
        return False

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
                    if _squeezed(option) == _squeezed(match[0])
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
        if text[begin - 1 : begin] in ("(", "[") and text[match.end() : match.end() + 1] in (")", "]"):
            known = True
        elif match[0] in self.labels:  # "A …" and "I …" open English sentences, "3 …" counts something
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
        for start in range(begin, position, -1):  # an option's text may begin with a sign
            if match := re.compile(_pattern(option), re.IGNORECASE).match(text, start):
                return match.end()
        return None

    def _canonical(self, label: str) -> str:
        return next(known for known in self.labels if known.lower() == label.lower())

    @cached_property
    def _label(self) -> re.Pattern[str]:
        letters = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        return re.compile(rf"(?:{letters})(?!['’]s\b|(?![\u3040-\u9fff])[^\W_])", re.IGNORECASE)

    @cached_property
    def _also(self) -> re.Pattern[str]:
        """From the text of one labelled option to the label of the next: ". blue and D."."""
        letters = "|".join(re.escape(label) for label in self.labels)
        return re.compile(
            rf"[).:]\s(?:(?!\b(?:{letters})\b)[^.\n]){{0,80}}?\s(?i:and|or)\s+(?=\(?(?:{letters})[).:])"
        )

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
            rf"(?:^|[.;,]\s+)(?i:{CONCLUSION}|{LEFT}|(?:{CONCLUSION})?(?:I\s+(?:think|believe)\s+)?(?:it|that)(?:['’]s|\s+is)\s+)(?:(?i:option|choice)\s+)?[(*]*(?P<last>{letters})[)*]*[.!]?$"
            rf"|(?:^|[.;,]\s+)(?i:{CONCLUSION})?(?:(?i:option|choice|answer)\s+)?[(*]*(?P<verdict>{letters})"
            rf"(?:[).:]+\s(?:(?!\b(?:{letters}|not|no)\b)[^.\n]){{1,80}}?)?[)*]*(?i:{VERDICT})[.!*]*$"
        )


@lru_cache(maxsize=4096)
def _names(labels: tuple[str, ...], options: tuple[str, ...]) -> _Names:
    return _Names(labels, tuple(_plain(option) for option in options))


def names_of(labels: Sequence[str], options: Sequence[str]) -> _Names:
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


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
