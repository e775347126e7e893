"""Answers that are the label of an option (A, B, … or 1, 2, …)."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from unicodedata import normalize

from genius_bench.answers import places
from genius_bench.answers.option_names import OPENING, OptionNames, end_of, names_of
from genius_bench.answers.phrases import BUT
from genius_bench.answers.places import Reading, Statement

DECORATION = re.compile(r"(?:[^\w\s$+\-−–~¬√.<>=^/\\]|_|\s|[-–](?=\s))*")
OR = re.compile(r"\s*(?:or\b|and/or\b|/)", re.IGNORECASE)
JOIN = re.compile(r"\s*(?:[,;&]\s*(?:or\b|and\b)?|and\b)\s*", re.IGNORECASE)
EITHER = re.compile(r"(?:either|neither|both|also)\s+", re.IGNORECASE)
INSTEAD = re.compile(rf"[,;]?\s*{BUT}", re.IGNORECASE)
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
    return concluded(names_of(labels, options), places.lines(said))


def read(statement: Statement, labels: tuple[str, ...], options: tuple[str, ...] = ()) -> Reading | None:
    """The option of a statement."""
    if statement.place == "box" and not statement.text:
        return Reading(None)
    names = names_of(labels, options)
    phrase = statement.line or statement.text
    if statement.place == "correction":
        return corrected(names, phrase)
    return None if statement.place == "choice" and judged(names, phrase) else named(names, phrase)


def named(names: OptionNames, phrase: str) -> Reading | None:
    """The one option that a phrase begins with: "B", "(b)", "**B**: …", "option B", or the option's text."""
    phrase = places.without_text_commands(phrase)
    phrase = phrase[end_of(DECORATION, phrase, 0) :]
    if (denied := places.DENIED.match(phrase)) and (name := names.at(phrase, denied.end())):
        but = INSTEAD.match(phrase, name[1])
        return named(names, phrase[but.end() :]) if but else Reading(name[0], denied=True)
    name = names.at(phrase, 0)
    if name is None:
        either = EITHER.match(phrase)
        return Reading(None) if either and names.at(phrase, either.end()) else None
    return Reading(None if _another(names, phrase, *name) else name[0])


def corrected(names: OptionNames, phrase: str) -> Reading | None:
    """The option that a correction names and says nothing else about: "C.", "C is right", but not "C fails"."""
    phrase = places.without_text_commands(phrase)
    name = names.at(phrase, 0)
    if name is not None and OR.match(phrase, name[1]):
        return Reading(None)
    if name is None or judged(names, phrase) or _another(names, phrase, *name):
        return None
    end = name[1]
    if TURNED_DOWN.match(phrase, end):
        return None
    told = ALONE.match(phrase, end) or RIGHT.match(phrase, end)
    unknown_text = not names.texts and phrase[end - 1] == ")"  # "(C) gamma" where no texts are known
    return Reading(name[0]) if told or unknown_text else None


def judged(names: OptionNames, phrase: str) -> bool:
    """Whether a phrase says something about options but that one is right: "B is wrong", "A and B are likely"."""
    name = names.at(phrase, 0)
    if name is None or RIGHT.match(phrase, name[1]):
        return False
    join = JOIN.match(phrase, name[1])
    second = names.at(phrase, join.end()) if join else None
    return any(VERB.match(phrase, end) for _, end in filter(None, (name, second)))


def concluded(names: OptionNames, lines: Sequence[str]) -> str | None:
    """The option of a last line ("B", "B) beta", "…. So B."), or of a first line that is explained afterwards."""
    if not lines:
        return None
    if (bare := _bare(names, lines[-1])) is not None:
        return bare
    if (match := _closing(names.labels).search(lines[-1])) is not None:
        return match["last"] or match["verdict"]
    if len({name for line in lines if (name := _alone(names, line)) is not None}) > 1:
        return None  # the options once more
    if (name := _alone(names, lines[-1]) or _alone(names, lines[0])) is not None:
        return name
    return _labelled(names, lines[0]) if len(lines) > 1 and EXPLANATION.match(lines[1]) else None


def _alone(names: OptionNames, line: str) -> str | None:
    """The option of a line that is nothing else: "B", "**(b)**", "B. beta"."""
    if bare := _bare(names, line):
        return bare
    line = places.without_text_commands(line)
    label = names.label.match(line, end_of(OPENING, line, 0))
    own = names.own_text(line, label.end(), label[0]) if label else None
    return names.canonical(label[0]) if label and own is not None and not line[own:].strip(STRIPPED) else None


def _bare(names: OptionNames, line: str) -> str | None:
    """The label that a line consists of, small letters too."""
    stripped = places.without_text_commands(line).strip(STRIPPED)
    stripped = re.sub(r"^(?:option|choice)\s+", "", stripped, flags=re.IGNORECASE).strip(STRIPPED)
    known = {label.lower(): label for label in names.labels}
    return known.get(stripped.lower()) if len(stripped) < 4 else None


def _labelled(names: OptionNames, line: str) -> str | None:
    """The label of "(B) …" or "B. …"."""
    match = re.match(r"[*_]*\(?", line)
    label = names.label.match(line, match.end() if match else 0)
    return (
        label[0] if label and label[0] in names.labels and re.match(r"[).:]", line[label.end() :]) else None
    )


def _another(names: OptionNames, text: str, name: str, end: int) -> bool:
    """Whether a second option is named beside the first: "B or D", "B and D", "B. blue and D. black"."""
    if OR.match(text, end):
        return True
    joins = [match for match in (JOIN.match(text, end), _also(names.labels).match(text, end)) if match]
    for join in joins:
        second = names.at(text, join.end())
        if second is not None and second[0] != name and not VERB.match(text, second[1]):
            return True
    return False


@lru_cache(maxsize=4096)
def _also(labels: tuple[str, ...]) -> re.Pattern[str]:
    """From the text of one labelled option to the label of the next: ". blue and D."."""
    letters = "|".join(re.escape(label) for label in labels)
    return re.compile(
        rf"[).:]\s(?:(?!\b(?:{letters})\b)[^.\n]){{0,80}}?\s(?i:and|or)\s+(?=\(?(?:{letters})[).:])"
    )


@lru_cache(maxsize=4096)
def _closing(labels: tuple[str, ...]) -> re.Pattern[str]:
    letters = "|".join(re.escape(label) for label in labels if label.isalpha()) or r"(?!)"
    return re.compile(
        rf"(?:^|[.;,]\s+)(?i:{CONCLUSION}|{LEFT}|(?:{CONCLUSION})?(?:I\s+(?:think|believe)\s+)?(?:it|that)(?:['’]s|\s+is)\s+)(?:(?i:option|choice)\s+)?[(*]*(?P<last>{letters})[)*]*[.!]?$"
        rf"|(?:^|[.;,]\s+)(?i:{CONCLUSION})?(?:(?i:option|choice|answer)\s+)?[(*]*(?P<verdict>{letters})"
        rf"(?:[).:]+\s(?:(?!\b(?:{letters}|not|no)\b)[^.\n]){{1,80}}?)?[)*]*(?i:{VERDICT})[.!*]*$"
    )
