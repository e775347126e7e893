"""Answers that are one number: word problems, integer competitions."""

import re

from genius_bench.answers.places import ANY_PHRASE, after_phrase, last_boxed

NUMBER = re.compile(
    r"(?P<sign>-\s?)?(?:[$€£¥]\s?)?(?P<minus>-)?"
    r"(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<power>[eE][+-]?\d{1,3}(?!\d))?"
    r"(?:\s*/\s*(?P<under>\d+(?:\.\d+)?))?(?:\s+(?P<scale>hundred|thousand|million|billion|trillion)\b)?"
)
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
FRACTION = re.compile(
    r"(?:(?P<sign>-)\s?)?\\[dt]?frac\s*(?:\{(?P<over>-?\d+)\}|(?P<digit>\d))\s*\{?(?P<under>\d+)\}?"
)
MIXED = re.compile(r"(?<![\d./])(?P<whole>\d{1,9})\s+(?P<over>\d{1,9})\s?/\s?(?P<under>\d{1,9})(?![\d/])")
POWER_OF_TEN = re.compile(r"(?<=\d)\s?(?:\\times|\\cdot|×|·|\*|x)\s?10\s?\^\s?\{?([-+]?\d{1,3})\}?(?!\d)")
UNIT_POWER = re.compile(r"\^\s?\{?\\circ\}?|(?<=[a-zA-Z}])\^(?:\{[^{}]*\}|\d)")
# What makes a number a part of something else: an operation still to do, a range, another answer.
GOES_ON = re.compile(
    r"\s?(?:[-+*×·:^!]|\\times|\\cdot|,|\bor\b|\band\b|\bto\b)?\s?[$€£¥]?\s?-?\d|\s?(?:[\^!√π]|\\pi)"
)
ROOT = re.compile(r"(?:√|\\(?:sqrt|log|ln|pi|binom|sin|cos|tan)\b[\s{(\\]*|\^\{?)$")
RANGE = re.compile(r"(?:between|either|neither|not|n['’]t|cannot|can't|from)\b", re.IGNORECASE)
TOLERANCE = 1e-6


def extract(text: str) -> str | None:
    r"""The final number as written in `\boxed`, after "####" or the answer phrase, or else the text's last one.

    "3 or 4" and "2^{10}" are no numbers: nothing is picked out of them.
    """
    boxed = last_boxed(text)
    if boxed is not None:
        return _only_number(boxed)
    if "####" in text:
        return _first_number(text.rsplit("####", 1)[1])
    phrase = after_phrase(text, ANY_PHRASE)
    return _last_number(text) if phrase is None else _first_number(phrase)


def agrees(answer: str, gold: str) -> bool:
    """Whether two extracted numbers are equal."""
    left, right = float(answer), float(gold)
    return abs(left - right) <= TOLERANCE * max(1.0, abs(right))


def as_number(text: str) -> float | None:
    """`text` as a number when it is nothing but one (signs, commas, currency and a fraction allowed)."""
    match = NUMBER.fullmatch(_plain(text).strip())
    return _value(match) if match else None


def _plain(text: str) -> str:
    r"""`text` with typographic signs, LaTeX spacing, \frac, mixed numbers and powers of ten as plain numbers."""
    text = text.replace("−", "-").replace("–", "-").replace("{,}", ",").replace("\\$", "$")
    text = re.sub(r"\\[,!;: ]", "", text)
    text = FRACTION.sub(
        lambda match: f" {match['sign'] or ''}{match['over'] or match['digit']}/{match['under']}", text
    )
    text = MIXED.sub(_as_fraction, text)
    return POWER_OF_TEN.sub(r"e\1", text).replace("**", "")


def _as_fraction(match: re.Match[str]) -> str:
    """ "3 1/2" as 7/2."""
    whole, over, under = (int(match[name]) for name in ("whole", "over", "under"))
    return f"{whole * under + over}/{under}"


def _numbers(text: str) -> list[re.Match[str]]:
    return [match for match in NUMBER.finditer(text) if not _is_part_of_word(match)]


def _is_part_of_word(match: re.Match[str]) -> bool:
    """The 2 of "x2" and the minus of "7-5" are no numbers of their own."""
    before = match.string[match.start() - 1 : match.start()]
    latin = before.isalpha() and before.isascii()
    return latin or before == "_" or (before == "." and match.string[match.start()] != "-")


def _value(match: re.Match[str]) -> float | None:
    value = float(match["value"].replace(",", "") + (match["power"] or ""))
    if match["under"]:
        if float(match["under"]) == 0:
            return None
        value /= float(match["under"])
    value *= SCALES.get(match["scale"] or "", 1.0)
    before = match.string[: match.start()].rstrip()
    negative = bool(match["sign"] or match["minus"]) and not before[-1:].isdigit()
    return -value if negative else value


def _only_number(text: str) -> str | None:
    """The number of a box; a box with several or with an operation is none, an equation gives its right side."""
    text = _plain(UNIT_POWER.sub("", text.rsplit("=", 1)[-1]))
    found = _numbers(text)
    return _written(found[0]) if len(found) == 1 else None


def _first_number(text: str) -> str | None:
    if RANGE.match(text):
        return None
    found = _numbers(text := _plain(UNIT_POWER.sub("", text.rsplit("=", 1)[-1])))
    return _written(found[0]) if found else None


def _last_number(text: str) -> str | None:
    found = _numbers(_plain(text))
    value = _value(found[-1]) if found else None
    return None if value is None else repr(value)


def _written(match: re.Match[str]) -> str | None:
    """The number that stands for itself: not under a root, not in a product, a range or a list."""
    if ROOT.search(match.string[max(0, match.start() - 20) : match.start()]):
        return None
    value = None if GOES_ON.match(match.string, match.end()) else _value(match)
    return None if value is None else repr(value)
