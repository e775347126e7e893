r"""What stands in `\boxed{…}`."""

import re
from typing import NamedTuple

from genius_bench.answers.numerals import as_number, canonical

# A backslash takes the next character with it, so that \{ and \} are no braces; TeX also reads \boxed 5.
BRACES = re.compile(
    r"(?P<box>\\{1,2}(?:boxed|fbox)\s*+\{)"
    r"|\\{1,2}boxed\s++(?P<bare>[-+]?\d(?:[\d/]|[.,](?=\d))*+|[A-Za-z](?![A-Za-z]))"
    r"|\\.|[{}]",
    re.DOTALL,
)
RELATION = re.compile(r"([=<>≤≥≠≈]|\\(?:[lg]eq?|[lg]t|neq?|approx)(?![a-zA-Z]))")
TERM = re.compile(r"[-+][^-+]*")
NOISE = re.compile(r"\\(?:quad|text|mathrm|textrm|[,;: ])|[{}$*_\s]+")
JOINED = re.compile(
    r"\s*(?:[,;&]|and/or|and|or|[,;] (?:and|or))\s*"
    r"(?:(?:the )?(?:other|second|another)(?: (?:one|solution|root|value|answer))?(?: is)?\s*)?(?:[a-zA-Z]\d?\s*=\s*)?"
)
"""What joins boxes to a list: "and", "or x = ", a comma. A full stop, a line or "no, rather" begins a correction."""


class Box(NamedTuple):
    text: str
    begin: int
    end: int


def boxes(text: str) -> list[Box]:
    r"""Every complete `\boxed{…}` in order, nested braces included; of a box in a box the inner one."""
    found: list[Box] = []
    opened: list[tuple[int, int, bool]] = []
    for match in BRACES.finditer(text):
        if match["bare"]:
            found.append(Box(match["bare"], match.start(), match.end()))
        elif match["box"] or match[0] == "{":
            opened.append((match.start(), match.end(), bool(match["box"])))
        elif match[0] == "}" and opened:
            begin, start, is_box = opened.pop()
            if is_box and (not found or begin > found[-1].begin):
                found.append(Box(text[start : match.start()].strip(), begin, match.end()))
    return found


def joined(text: str, found: list[Box]) -> list[list[Box]]:
    r"""Boxes by sentence: `\boxed{2} and \boxed{6}` belong together, `\boxed{2}. No, \boxed{6}` do not."""
    groups: list[list[Box]] = []
    for box in found:
        between = text[groups[-1][-1].end : box.begin] if groups else ""
        if groups and len(between) < 80 and _joins(between):
            groups[-1].append(box)
        else:
            groups.append([box])
    return groups


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{…}` holds, or the last ones where they are a list ("2, 6"); None when there is none."""
    groups = joined(text, boxes(text))
    return ", ".join(different(groups[-1])) if groups else None


def different(group: list[Box]) -> list[str]:
    r"""What joined boxes hold, once each: `\boxed{1\frac12} or \boxed{\frac32}` and "x+1 or 1+x" are one answer."""
    return list({_value(box.text): box.text for box in group}.values())


def _value(text: str) -> str:
    """Equal for equal numbers and for sums, on either side of an equation, with their terms in another order."""
    if (number := as_number(text)) is not None:
        return canonical(number)
    return "".join(map(_in_order, RELATION.split(text)))


def _in_order(side: str) -> str:
    side = "".join(side.split())
    if re.search(r"[()\[\]{},^|]", side):
        return side
    return "".join(sorted(TERM.findall(re.sub(r"^(?![-+])", "+", side))))


def _joins(between: str) -> bool:
    return "\n" not in between and JOINED.fullmatch(NOISE.sub(" ", between)) is not None
