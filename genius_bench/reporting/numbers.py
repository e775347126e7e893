"""Numbers as boards print them: in percent or points, with what is known of their certainty."""

from math import copysign, floor

from genius_bench.statistics import Difference, Estimate

SIGNIFICANT = 0.05
"""A p-value below this is marked."""
LOPSIDED = 0.15
"""An interval whose halves differ by more than this share of it is printed with both its ends."""


def percent(share: float) -> str:
    """A share as boards print it: in percent with one decimal. The site rounds by the same arithmetic."""
    return f"{rounded(100 * share):.1f}"


def points(difference: float) -> str:
    """A difference of shares, in points; nothing has no sign."""
    value = rounded(100 * difference)
    return f"{value:+.1f}" if value else "0.0"


def rounded(value: float) -> float:
    """To one decimal, halves away from zero: 62.75 is 62.8 wherever it is printed, also where floating point made it
    62.74999999999999 (`fixed` in site/static/numbers.js)."""
    return copysign(floor(abs(value) * 10 + 0.5 + 1e-7) / 10, value) + 0.0


def estimated(estimate: Estimate | None) -> str:
    """With ± where the interval lies evenly around the value, else with its ends."""
    if estimate is None:
        return "–"
    value, low, high = (100 * part for part in estimate)
    if abs((high - value) - (value - low)) > LOPSIDED * (high - low):
        return f"{rounded(value):.1f} [{rounded(low):.1f}, {rounded(high):.1f}]"
    return f"{rounded(value):.1f} ±{rounded((high - low) / 2):.1f}"


def gained(gain: Difference | None) -> str:
    """In points, with its interval."""
    if gain is None:
        return ""
    value, low, high = map(points, gain[:3])
    return f"{value} [{low}, {high}]"


def p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
