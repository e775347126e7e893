"""`lab_olympiad`: a number that grows move by move, and in the end is doubled. A level is the number of moves."""

from random import Random

from genius_bench.lab.problem import Author, Problem, Reading, conclude, draw_reading, make_problem
from genius_bench.lab.world import NAMES

FAMILY = "lab_olympiad"
ASKED = ("Find", "Determine", "What is")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
TERM, ENTRY = Reading("term", 0.66), Reading("entry", 0.66, tells=True)
"""The third term takes two moves; the tempted make three."""
READINGS = {TERM: 0.2, ENTRY: 0.2}


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """The number after so many moves, or the term (entry) of a sequence, which one move less leads to."""
    reading = draw_reading(rng, READINGS)
    large = not shown and level >= 4 and rng.random() < 0.5
    first, step = (
        (rng.randint(21, 60), rng.randint(6, 15)) if large else (rng.randint(1, 20), rng.randint(1, 9))
    )
    name = rng.choice(NAMES)
    verb = rng.choice(ASKED)
    if reading:
        given = f"A sequence starts with {first} and each {reading.phrase} is {step} more than the last."
        wanted = f"twice its {ORDINALS[level]} {reading.phrase}"
    else:
        given = f"Start with {first}. A move adds {step}."
        wanted = f"twice the number after {level} move{'s' if level > 1 else ''}"

    def write(author: Author) -> list[str]:
        moves = level if author.read(reading, level + 1).right else level + 1
        value, lines = first, []
        for number in range(1, moves + 1):
            before, value = value, author.number(value + step)
            lines.append(f"{number}: {before} + {step} = {value}.")
        twice = author.number(2 * value)
        return [*lines, f"Twice: 2 * {value} = {twice}.", conclude(twice)]

    return make_problem(
        FAMILY,
        f"{name} says: {given} {verb} {wanted}{'?' if verb == 'What is' else '.'}",
        write,
        key=f"{FAMILY} {reading.phrase if reading else ''} {first} {step} {level}",
        level=level,
        reading=reading,
        answer=str(2 * (first + level * step)),
    )
