"""Numbers as boards print them: in percent or points, with what is known of their certainty."""

from genius_bench.statistics import Difference, Estimate

SIGNIFICANT = 0.05
"""A p-value below this is marked."""
LOPSIDED = 0.15
"""An interval whose halves differ by more than this share of it is printed with both its ends."""


def estimated(estimate: Estimate | None) -> str:
    """With ± where the interval lies evenly around the value, else with its ends."""
    if estimate is None:
        return "–"
    value, low, high = (100 * part for part in estimate)
    if abs((high - value) - (value - low)) > LOPSIDED * (high - low):
        return f"{value:.1f} [{low:.1f}, {high:.1f}]"
    return f"{value:.1f} ±{(high - low) / 2:.1f}"


def gained(gain: Difference | None) -> str:
    """In points, with its interval."""
    if gain is None:
        return ""
    value, low, high = (f"{round(100 * part, 1) + 0.0:+.1f}" for part in gain[:3])
    return f"{value} [{low}, {high}]"


def p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
