"""Whether two single mathematical values are equal, by math-verify and sympy.

Exactly: math-verify rounds to six places and drops what is below 10⁻¹⁵, so that 0 would be 1/2000000 and 2⁻⁹⁸ be 2⁻⁹⁹.
Here decimals are the fractions that they are written as, and numbers are equal when they agree in 40 digits or can be
proved equal; only a decimal of many digits may have been rounded (`numerals.rounding`).
"""

from functools import lru_cache
from typing import Any

from genius_bench.answers import numerals
from genius_bench.evaluation.graders.units import split_unit

DIGITS = 60
AGREEING = 40
EXACTLY: dict[str, Any] = {
    "numeric_precision": DIGITS,
    "allow_set_relation_comp": True,
    "timeout_seconds": None,
}


class GoldUnread(Exception):
    """The gold answer cannot be read."""


def same_value(answer: str, gold: str) -> bool | None:
    """Whether two formulas (of `notation.as_latex`) are equal; None when the answer cannot be read.

    "15%" is 15 where the gold names no percent, as units are not asked for, and it is 0.15. Raises `GoldUnread`.
    """
    bare, unit = split_unit(answer)
    wanted, named = split_unit(gold)
    if unit and named and unit != named:
        return False
    verdict = _same_but_for_percent(bare, wanted)
    # "2 h" may be two hours or 2h.
    return verdict or (_same(answer, gold) if bool(unit) != bool(named) else verdict)


def _same_but_for_percent(answer: str, gold: str) -> bool | None:
    ours, theirs = _without_percent(answer), _without_percent(gold)
    if (ours != answer) == (theirs != gold):
        return _same(ours, theirs)
    if verdict := _same(ours, theirs):
        return True
    as_share = _same(_share(ours), theirs) if ours != answer else _same(ours, _share(theirs))
    return as_share or verdict


def _share(percent: str) -> str:
    return rf"\frac{{{percent}}}{{100}}"


def _without_percent(text: str) -> str:
    for sign in (r"\%", "%", "percent", r"\text{percent}", r"\text{ percent}"):
        if text.endswith(sign) and len(text) > len(sign):
            return text.removesuffix(sign).strip()
    return text


def _same(answer: str, gold: str) -> bool | None:
    from math_verify import verify
    from sympy import Rational

    if numerals.as_number(answer) is not None and numerals.as_number(gold) is not None:
        return numerals.agrees(answer, gold)
    expected = _read_gold(gold)
    given = next((found for form in _forms(answer) if (found := _read(form))), None)
    if given is None:
        return None
    if _is_number(expected[0]) and _is_number(given[0]):
        slack = max(numerals.rounding(answer), numerals.rounding(gold))
        return _same_number(given[0], expected[0], Rational(slack.numerator, slack.denominator))
    return bool(verify(expected, given, **EXACTLY))


@lru_cache(maxsize=256)
def _read_gold(text: str) -> list[Any]:
    """A gold answer as sympy has it. Raises `GoldUnread`."""
    if found := _read(_as_box(text)):
        return found
    raise GoldUnread


def _read(text: str) -> list[Any]:
    from math_verify import parse

    return [_exact(one) for one in parse(text.replace(r"^\circ", ""), parsing_timeout=None)]


def _exact(expression: Any) -> Any:
    """Decimals as the fractions that they are written as."""
    from sympy import Basic, Float, Rational

    if not isinstance(expression, Basic):
        return expression
    return expression.xreplace({one: Rational(str(one)) for one in expression.atoms(Float) if one.is_finite})


def _is_number(expression: Any) -> bool:
    from sympy import Expr

    return isinstance(expression, Expr) and not expression.free_symbols and bool(expression.is_number)


def _same_number(one: Any, other: Any, slack: Any) -> bool:
    from sympy import Rational, simplify

    one, other = one.doit(), other.doit()
    if isinstance(one, Rational) and isinstance(other, Rational):
        return bool(one == other or abs(one - other) < slack)
    left, right = one.evalf(DIGITS), other.evalf(DIGITS)
    if not (left.is_finite and right.is_finite):  # infinities
        return bool(one == other)
    difference, size = abs(left - right), max(abs(left), abs(right))
    if difference <= size * Rational(1, 10**AGREEING) or difference < slack:
        return True
    # A number that is 0 but not written so has no leading digits to agree in.
    return bool(difference < Rational(1, 10**AGREEING) and simplify(one - other) == 0)


def _as_box(text: str) -> str:
    return f"$\\boxed{{{text}}}$"


def _forms(answer: str) -> list[str]:
    """Ways to read an answer: as one formula, or (a phrase with words) as text that holds one."""
    with_words = any(len(word) > 3 and word.isalpha() for word in answer.split())
    return [answer, _as_box(answer)] if with_words else [_as_box(answer), answer]
