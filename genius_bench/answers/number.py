"""Answers that are one number: word problems, integer competitions."""

import re

from genius_bench.answers.places import after_phrase, last_boxed

NUMBER = re.compile(
    r"(?P<sign>-\s?)?(?:\$\s?)?(?P<minus>-)?"
    r"(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<power>[eE][+-]?\d+)?"
    r"(?:\s*/\s*(?P<under>\d+(?:\.\d+)?))?"
)
FRACTION = re.compile(r"(?P<sign>-?)\s*\\[dt]?frac\s*\{?(?P<over>-?\d+)\}?\s*\{?(?P<under>\d+)\}?")
TOLERANCE = 1e-6


def extract(text: str) -> str | None:
    r"""The final number as written in `\boxed`, after "####" or the answer phrase, or else the text's last one."""
    boxed = last_boxed(text)
    if boxed is not None:
        return _only_number(boxed)
    if "####" in text:
        return _first_number(text.rsplit("####", 1)[1])
    phrase = after_phrase(text)
    if phrase is not None and (found := _first_number(phrase)) is not None:
        return found
    return _last_number(text)


def agrees(answer: str, gold: str) -> bool:
    """Whether two extracted numbers are equal."""
    left, right = float(answer), float(gold)
    return abs(left - right) <= TOLERANCE * max(1.0, abs(right))


def as_number(text: str) -> float | None:
    """`text` as a number when it is nothing but one (signs, commas, currency and a fraction allowed)."""
    match = NUMBER.fullmatch(_plain(text).strip())
    return _value(match) if match else None


def _plain(text: str) -> str:
    r"""`text` with typographic signs, LaTeX spacing and \frac turned into plain characters."""
    text = text.replace("−", "-").replace("–", "-").replace("{,}", ",").replace("\\$", "$")
    text = re.sub(r"\\[,!;: ]", "", text)
    text = FRACTION.sub(lambda match: f" {match['sign']}{match['over']}/{match['under']}", text)
    return text.replace("**", "")


def _find(text: str) -> list[float]:
    values = [_value(match) for match in NUMBER.finditer(_plain(text)) if not _is_part_of_word(match)]
    return [value for value in values if value is not None]


def _is_part_of_word(match: re.Match[str]) -> bool:
    """The 2 of "x2" and the minus of "7-5" are no numbers of their own."""
    before = match.string[match.start() - 1 : match.start()]
    return before.isalpha() or before == "_" or (before == "." and match.string[match.start()] != "-")


def _value(match: re.Match[str]) -> float | None:
    value = float(match["value"].replace(",", "") + (match["power"] or ""))
    if match["under"]:
        if float(match["under"]) == 0:
            return None
        value /= float(match["under"])
    before = match.string[: match.start()].rstrip()
    negative = bool(match["sign"] or match["minus"]) and not before[-1:].isdigit()
    return -value if negative else value


def _only_number(text: str) -> str | None:
    """The number of a box; a box with several is no number, an equation gives its right side."""
    values = _find(re.sub(r"\^\{?[^{}]*\}?", "", text.rsplit("=", 1)[-1]))
    return repr(values[0]) if len(values) == 1 else None


def _first_number(text: str) -> str | None:
    values = _find(text.rsplit("=", 1)[-1])
    return repr(values[0]) if values else None


def _last_number(text: str) -> str | None:
    values = _find(text)
    return repr(values[-1]) if values else None
