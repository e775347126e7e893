r"""Answers that hold several values, taken apart: lists and sets (in any order), tuples and intervals, unions.

Values are compared one by one, so that a tuple in another order, an interval whose end is open instead of closed, or
one value among two is another answer.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Same = Callable[[str, str], bool | None]
"""Whether two single values are equal; None when the answer's cannot be read."""
Kind = Literal["single", "several", "union", "()", "(]", "[)", "[]"]

OPENING, CLOSING = ("(", "[", "{", r"\{", r"\langle", r"\begin"), (")", "]", "}", r"\}", r"\rangle", r"\end")
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.", re.DOTALL)
JOINED = re.compile(r"\s*(?:,|;)?\s*(?:\\text\{\s*(?:and|or)\s*\}|(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z]))\s*")
THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
EITHER_SIGN = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")
BRACKETS: dict[tuple[str, str], Kind] = {
    ("(", ")"): "()",
    ("(", "]"): "(]",
    ("[", ")"): "[)",
    ("[", "]"): "[]",
    (r"\langle", r"\rangle"): "()",
    (r"\{", r"\}"): "several",
}


class Shape(NamedTuple):
    """`several` values are a list or a set; brackets are those of a tuple or an interval."""

    kind: Kind
    parts: tuple[str, ...]
    listed: bool = False
    """Whether the parts stood without brackets."""


def equal(answer: str, gold: str, same: Same) -> bool | None:
    """Whether two formulas (of `as_latex`) are equal by shape and, value by value, by `same`; None where the answer
    cannot be read."""
    ours, theirs = shape_of(answer), shape_of(gold)
    if ours.kind == "single" and theirs.kind == "several":
        ours = _separated(answer) or ours
    elif theirs.kind == "single" and ours.kind == "several":
        theirs = _separated(gold) or theirs
    if ours.kind == theirs.kind == "single":
        return same(ours.parts[0], theirs.parts[0])
    if "single" in (ours.kind, theirs.kind):  # an inequality and an interval, a matrix and a tuple
        return same(answer, gold)
    if len(ours.parts) != len(theirs.parts):
        return False
    if ours.kind == theirs.kind and ours.kind in ("several", "union"):
        return _in_any_order(list(ours.parts), list(theirs.parts), same)
    loosely = {ours.kind, theirs.kind} == {"several", "()"} and (ours.listed or theirs.listed)
    if ours.kind != theirs.kind and not loosely:
        return False
    return all(equal(one, other, same) for one, other in zip(ours.parts, theirs.parts, strict=True))


def shape_of(text: str) -> Shape:
    """How a formula is put together."""
    text = text.strip()
    if len(parts := _split(text, r"\cup")) > 1:
        return Shape("union", parts)
    listed = JOINED.sub(",", THOUSANDS.sub(lambda match: match[0].replace(",", ""), text))
    if len(parts := _split(listed, ",", ";")) > 1:
        return Shape("several", tuple(one for part in parts for one in _both_signs(part)), listed=True)
    if (kind := _bracketed(text)) is not None:
        inside = text[len(_first(text)) : -len(_last(text))]
        parts = _split(inside, ",", ";")
        if kind == "several" and not re.search(r"[|:]|\\mid", inside):
            return Shape(kind, tuple(one for part in parts for one in _both_signs(part)))
        if kind != "several" and len(parts) > 1:
            return Shape(kind, parts)
    if len(signs := _both_signs(text)) > 1:
        return Shape("several", signs, listed=True)
    return Shape("single", (text,))


def _split(text: str, *separators: str) -> tuple[str, ...]:
    """The parts between separators that stand outside all brackets; () where one of them is empty."""
    depth, parts = 0, [""]
    for token in TOKEN.findall(text):
        depth += (token in OPENING) - (token in CLOSING)
        if token in separators and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    stripped = tuple(part.strip() for part in parts)
    return stripped if all(stripped) else ()


def _bracketed(text: str) -> Kind | None:
    """The brackets around all of a formula; None when its first is closed before its end."""
    tokens = TOKEN.findall(text)
    kind = BRACKETS.get((tokens[0], tokens[-1])) if len(tokens) > 2 else None
    depth = 0
    for token in tokens[:-1]:
        depth += (token in OPENING) - (token in CLOSING)
        if depth == 0:
            return None
    return kind


def _first(text: str) -> str:
    return TOKEN.findall(text)[0]


def _last(text: str) -> str:
    return TOKEN.findall(text)[-1]


def _both_signs(text: str) -> tuple[str, ...]:
    r"""`1 \pm x` as `1 + x` and `1 - x`; a sign of nothing stays one value."""
    if not EITHER_SIGN.search(text):
        return (text,)
    plus = EITHER_SIGN.sub(lambda match: "+" if match[0] == r"\pm" else "-", text)
    minus = EITHER_SIGN.sub(lambda match: "-" if match[0] == r"\pm" else "+", text)
    signed = tuple(re.sub(r"(^|[=(,{])\s*\+", r"\1", one).strip() for one in (plus, minus))
    return signed if all(signed) else (text,)


def _separated(text: str) -> Shape | None:
    """`100,200` as two values: beside a list, a comma before three digits may be one of a list."""
    parts = _split(text, ",")
    numbers = not any(re.match(r"0\d", part) for part in parts)
    return Shape("several", parts, listed=True) if len(parts) > 1 and numbers else None


def _in_any_order(ours: list[str], theirs: list[str], same: Same) -> bool:
    for one in ours:
        found = next((place for place, other in enumerate(theirs) if equal(one, other, same)), None)
        if found is None:
            return False
        del theirs[found]
    return True
