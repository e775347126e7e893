"""`plain_comparison`: who has the most, and who comes where in an order. Levels: two numbers, three numbers, an order
of three told in pairs, one of four, and the second of five."""

from itertools import pairwise
from random import Random

from genius_bench.plain.problem import NAMES, Problem, listed

MEASURES = (
    ("is {} years old", "older", "younger", "oldest", "youngest", (5, 90)),
    ("is {} centimetres tall", "taller", "shorter", "tallest", "shortest", (110, 199)),
    ("weighs {} kilograms", "heavier", "lighter", "heaviest", "lightest", (30, 99)),
)
"""What is measured, more, less, most, least, and from where to where."""
PEOPLE = {1: 2, 2: 3, 3: 3, 4: 4, 5: 5}


def sample(rng: Random, level: int) -> Problem:
    """A few people told by their measures, or by who has more than whom; the answer is one of their names."""
    names = rng.sample(NAMES, PEOPLE[level])
    measure = rng.randrange(len(MEASURES))
    return _by_numbers(rng, names, measure) if level < 3 else _by_pairs(rng, level, names, measure)


def _by_numbers(rng: Random, names: list[str], measure: int) -> Problem:
    told, _, _, most, least, span = MEASURES[measure]
    values = rng.sample(range(*span), len(names))
    wanted, pick = rng.choice(((most, max), (least, min)))
    parts = [f"{name} {told.format(value)}" for name, value in zip(names, values, strict=True)]
    return Problem(
        f"{listed(parts)}. Who is the {wanted}?",
        names[values.index(pick(values))],
        f"comparison {measure} {wanted} {values}",
        tuple(names),
    )


def _by_pairs(rng: Random, level: int, names: list[str], measure: int) -> Problem:
    """`names` from most to least; each neighbouring pair is told once, either way round, in any order."""
    _, more, less, most, least, _ = MEASURES[measure]
    ways = [rng.random() < 0.5 for _ in names[1:]]
    told = [
        f"{high} is {more} than {low}." if way else f"{low} is {less} than {high}."
        for (high, low), way in zip(pairwise(names), ways, strict=True)
    ]
    order = rng.sample(range(len(told)), len(told))
    second, passed = ("second ", 1) if level == 5 else ("", 0)
    wanted, place = rng.choice(((most, passed), (least, -1 - passed)))
    return Problem(
        f"{' '.join(told[number] for number in order)} Who is the {second}{wanted}?",
        names[place],
        f"comparison {measure} {second}{wanted} {ways} {order}",
        tuple(sorted(names)),
    )
