"""`lab_deduction`: follow a chain of rules to a colour, one of four options. A level is the number of rules."""

from itertools import pairwise
from random import Random

from genius_bench.lab.problem import (
    LETTERS,
    Author,
    Problem,
    Reading,
    conclude,
    draw_reading,
    lettered,
    make_problem,
    with_options,
)
from genius_bench.lab.world import COLOURS, KINDS, NAMES

FAMILY = "lab_deduction"
BECAME, TURNED = Reading("became", 0.66), Reading("turned", 0.66, tells=True)
"""Who was one thing and became another is the other; the tempted go on from what is said first."""
READINGS = {BECAME: 0.2, TURNED: 0.2}
LONGEST_SHOWN = 4
OPTIONS = COLOURS[:4]


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """A name is of a kind, the kind is (of another that is, …) of a colour; and a name that does not matter."""
    rules = min(level, LONGEST_SHOWN) if shown else level
    name, other = rng.sample(NAMES, 2)
    kinds = rng.sample(KINDS, rules + 2)
    chain, first, stray = kinds[:rules], kinds[rules], kinds[rules + 1]
    gold, tempting = rng.sample(OPTIONS, 2)
    reading = draw_reading(rng, READINGS)
    now = (
        f"{name} is {chain[0]}."
        if reading is None
        else f"{name} was {first} and {reading.phrase} {chain[0]}."
    )
    facts = [now]
    facts += [f"Everything {low} is {high}." for low, high in pairwise([*chain, gold])]
    facts += [f"Everything {first} is {tempting}." if reading else f"{other} is {stray}."]

    def write(author: Author) -> list[str]:
        read = author.read(reading, rules)
        start, path, end = (chain[0], chain[1:], gold) if read.right else (first, [], tempting)
        kind = author.pick(start, kinds)
        lines = [f"{name} is {kind}."]
        for high in path:
            low, kind = kind, author.pick(high, kinds)
            lines.append(f"Everything {low} is {kind}.")
        colour = author.pick(end, OPTIONS)
        lines.append(f"Everything {kind} is {lettered(colour, OPTIONS)}.")
        return [*lines, conclude(LETTERS[OPTIONS.index(colour)])]

    question = with_options(f"{' '.join(facts)} What colour is {name}?", OPTIONS)
    return make_problem(
        FAMILY,
        question,
        write,
        key=f"{FAMILY} {reading.phrase if reading else ''} {chain} {gold} {(first, tempting) if reading else stray}",
        level=level,
        reading=reading,
        answer=LETTERS[OPTIONS.index(gold)],
        options=OPTIONS,
    )
