"""Numbers are read exactly and compared to the digits that are printed."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.answers import number

whole = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.5"),
        ("1,50,000", "150000"),
        ("12\u2009500", "12500"),
        ("12\u202f500\u202f000", "12500000"),
        ("12\u00a0500", "12500"),
        ("US$500", "500"),
        ("Rs. 500", "500"),
        ("-₹1,500", "-1500"),
        ("USD 20", "20"),
        ("½", "1/2"),
        ("3½", "7/2"),
        ("−2 ¾", "-11/4"),
        ("3×10⁵", "300000"),
        ("2 × 10⁻³", "1/500"),
        (r"0.\overline{3}", "1/3"),
        (r"1.1\overline{6}", "7/6"),
        ("-0.1666...", "-1/6"),
        (r"2.4545\ldots", "27/11"),
        ("0.123...", None),
        ("12.5 (3)", None),
        (r"-\frac{3}{4}", "-3/4"),
        ("3 million", "3000000"),
        ("0.1", "1/10"),
        ("12 500", None),
        ("20²", None),
        ("1/0", None),
        ("12.500.000", None),
        ("9" * 5000, None),
    ],
)
def test_numbers_are_exact(text: str, value: str | None) -> None:
    assert number.as_number(text) == (None if value is None else Fraction(value))


@pytest.mark.parametrize(
    ("answer", "gold", "equal"),
    [
        ("999999", "1000000", False),
        ("9007199254740993", "9007199254740992", False),
        (r"\frac{3}{2598960}", r"\frac{4}{2598960}", False),
        ("0", r"\frac{1}{2000000}", False),
        ("1/1099511627776", "1/1099511627777", False),
        ("0.0000001", "0.0000002", False),
        ("1000000.5", "1000000", False),
        ("0.33", "1/3", False),
        ("0.999999", "1", False),
        ("1/3", r"\frac{2}{6}", True),
        ("0.75", "3/4", True),
        ("2.50", "2.5", True),
        ("1e3", "1,000", True),
        ("0.333333", "1/3", True),
        ("0.666666", "2/3", True),
        ("0.666667", "2/3", True),
        ("33.33333", "100/3", True),
        ("3.14159", "3.14159265", True),
        ("0.500000", "0.45", False),
        ("17.999999999999996", "18", True),
        ("0.30000000000000004", "0.3", True),
        ("six", "6", False),
    ],
)
def test_a_tolerance_is_for_decimals_alone(answer: str, gold: str, equal: bool) -> None:
    assert number.agrees(answer, gold) is number.agrees(gold, answer) is equal


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.fractions(), st.fractions())
def test_fractions_agree_when_they_are_equal_and_never_else(left: Fraction, right: Fraction) -> None:
    assert number.agrees(
        f"{left.numerator}/{left.denominator}", f"{right.numerator}/{right.denominator}"
    ) == (left == right)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.one_of(st.fractions(), st.decimals(-1e9, 1e9, places=8).map(Fraction), whole.map(Fraction)))
def test_equal_numbers_have_one_text(value: Fraction) -> None:
    assert number.as_number(number.canonical(value)) == value


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "1," * 50_000, "1e999" * 20_000, "1 1/1" * 20_000, "$" * 100_000]
)
def test_hostile_numbers_take_no_time(text: str) -> None:
    begun = time.thread_time()
    number.as_number(text)
    number.extract(text)
    assert time.thread_time() - begun < 0.5
