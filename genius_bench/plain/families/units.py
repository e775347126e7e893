"""`plain_units`: units and times. Levels: a unit of a hundred or a thousand smaller ones, any other, a mixed amount,
a span between two times of day, and a rate over a mixed time."""

from collections.abc import Callable
from random import Random

from genius_bench.plain.problem import NAMES, Problem

UNITS = (
    ("hours", "minutes", 60, "free time"),
    ("minutes", "seconds", 60, "free time"),
    ("days", "hours", 24, "holiday"),
    ("weeks", "days", 7, "holiday"),
    ("years", "months", 12, "training"),
    ("metres", "centimetres", 100, "ribbon"),
    ("kilometres", "metres", 1000, "wire"),
    ("kilograms", "grams", 1000, "flour"),
    ("litres", "millilitres", 1000, "milk"),
    ("feet", "inches", 12, "rope"),
)
"""A unit, a smaller one, how many of it make one, and what somebody may have of both."""
ROUND = 100
"""Factors from here on are easy to multiply with."""
SPANS = (("starts work", "stops"), ("leaves home", "arrives"), ("starts cooking", "is done"))
RATES = (
    ("A bus drives {} kilometres in an hour.", "kilometres does it drive", "hour", "minutes"),
    ("A printer prints {} pages in an hour.", "pages does it print", "hour", "minutes"),
    ("A tap fills {} litres in a minute.", "litres does it fill", "minute", "seconds"),
)


def sample(rng: Random, level: int) -> Problem:
    """A question for one whole number."""
    return QUESTIONS[level](rng)


def _round_units(rng: Random) -> Problem:
    return _larger_to_smaller(rng, [unit for unit in UNITS if unit[2] >= ROUND])


def _other_units(rng: Random) -> Problem:
    return _larger_to_smaller(rng, [unit for unit in UNITS if unit[2] < ROUND])


def _larger_to_smaller(rng: Random, units: list[tuple[str, str, int, str]]) -> Problem:
    large, small, factor, what = rng.choice(units)
    name, count = rng.choice(NAMES), rng.randint(2, 9)
    return Problem(
        f"{name} has {count} {large} of {what}. How many {small} are that?",
        str(count * factor),
        f"units {large} {count}",
    )


def _mixed(rng: Random) -> Problem:
    large, small, factor, _ = rng.choice(UNITS)
    count, rest = rng.randint(2, 9), rng.randint(1, min(factor, 60) - 1)
    return Problem(
        f"How many {small} are {count} {large} and {rest} {small}?",
        str(count * factor + rest),
        f"units {large} {count} {rest}",
    )


def _span(rng: Random) -> Problem:
    name, minutes = rng.choice(NAMES), 5 * rng.randint(5, 35)
    start = 60 * rng.randint(7, 17) + 5 * rng.randrange(12)
    begun, ended = (f"{time // 60}:{time % 60:02}" for time in (start, start + minutes))
    begins, ends = rng.choice(SPANS)
    return Problem(
        f"{name} {begins} at {begun} and {ends} at {ended}. How many minutes does that take?",
        str(minutes),
        f"units span {start} {minutes}",
    )


def _rate(rng: Random) -> Problem:
    """At so much in an hour (or a minute), so much in some of them and a half or a quarter."""
    told, asked, large, small = rng.choice(RATES)
    whole, quarters = rng.randint(1, 6), rng.choice((1, 2))
    pace = 4 * rng.randint(3, 20)
    time = f"{whole} {large}{'s' if whole > 1 else ''} and {15 * quarters} {small}"
    return Problem(
        f"{told.format(pace)} How many {asked} in {time}?",
        str(pace * (4 * whole + quarters) // 4),
        f"units rate {large} {pace} {whole} {quarters}",
    )


QUESTIONS: dict[int, Callable[[Random], Problem]] = {
    1: _round_units,
    2: _other_units,
    3: _mixed,
    4: _span,
    5: _rate,
}
