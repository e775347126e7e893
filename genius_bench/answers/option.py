"""Answers that are the label of an option (A, B, … or 1, 2, …)."""

import re
from collections.abc import Sequence

from genius_bench.answers.places import after_phrase, last_boxed


def extract(text: str, labels: Sequence[str], options: Sequence[str] = ()) -> str | None:
    """The option that the answer names, by label or by its full text; None when it names none.

    The label must stand where an answer stands (box, answer phrase, or alone): the "A" that opens a sentence is none.
    """
    boxed = last_boxed(text)
    if boxed is not None:
        return _named(
            re.sub(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}", r"\1", boxed), labels, options
        )
    phrase = after_phrase(text)
    if phrase is not None:
        return _named(phrase, labels, options)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return _alone(lines[-1], labels) if lines else None


def _named(phrase: str, labels: Sequence[str], options: Sequence[str]) -> str | None:
    """The option that a phrase begins with: "B", "(b)", "**B**: …", "option B", or the option's text."""
    phrase = phrase.strip().strip("*").strip()
    letters = "|".join(re.escape(label) for label in labels)
    opening = r"(?:(?:the\s+)?(?:correct\s+)?(?:option|choice|letter|label|number)\s*:?\s*)?"
    marked = rf"{opening}[\[(*\"'`]*(?P<label>{letters})(?:[\])*\"'`.:,;]|$|\s*[-–—]\s|\s+(?:because|since|as)\b|\s*\()"
    bare = rf"{opening}(?P<label>{letters})\s+(?P<rest>\S.*)"
    if match := re.match(marked, phrase, re.IGNORECASE):
        return _canonical(match["label"], labels)
    wording = _words(phrase)
    exact = [label for label, option in zip(labels, options, strict=False) if _words(option) == wording]
    if len(exact) == 1:
        return exact[0]
    match = re.match(bare, phrase)
    if match and match["label"] != "A" and match["label"] != "I":  # "A …" and "I …" open English sentences
        return match["label"]
    if match and _names_option(match, labels, options):
        return match["label"]
    return None


def _names_option(match: re.Match[str], labels: Sequence[str], options: Sequence[str]) -> bool:
    """Whether what follows a label is the beginning of that option ("A the heart pumps blood")."""
    option = dict(zip(labels, options, strict=False)).get(match["label"], "")
    return bool(option) and _words(match["rest"]).startswith(_words(option))


def _alone(line: str, labels: Sequence[str]) -> str | None:
    """A last line that is nothing but a label: "B", "(B)", "**B.**"."""
    stripped = line.strip("*()[]. :`\"'")
    return _canonical(stripped, labels) if stripped in labels else None


def _canonical(label: str, labels: Sequence[str]) -> str | None:
    return next((known for known in labels if known.lower() == label.lower()), None)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
