"""`lab_olympiad`: three or four chained operations that end in a whole number from 0 to 999."""

from random import Random

from genius_bench.lab.problem import Author, Problem, conclude, make_problem
from genius_bench.lab.world import NAMES

FAMILY = "lab_olympiad"
ASKED = ("Find", "Determine", "What is")


def sample(rng: Random) -> Problem:
    """A term of a sequence, a repeated operation or a remainder."""
    return rng.choice((_sequence, _repetition, _remainder))(rng)


def _ask(rng: Random, given: str, wanted: str) -> str:
    verb = rng.choice(ASKED)
    return f"{rng.choice(NAMES)} says: {given}{verb} {wanted}{'?' if verb == 'What is' else '.'}"


def _sequence(rng: Random) -> Problem:
    first, difference = rng.randint(1, 20), rng.randint(1, 9)

    def write(author: Author) -> list[str]:
        value, lines = first, []
        for ordinal in ("second", "third", "fourth"):
            before, value = value, author.number(value + difference)
            lines.append(f"The {ordinal} term is {before} + {difference} = {value}.")
        twice = author.number(2 * value)
        return [*lines, f"Twice that is 2 * {value} = {twice}.", conclude(twice)]

    rule = f"A sequence starts with {first} and each term is {difference} more than the last. "
    question = _ask(rng, rule, "twice its fourth term")
    return make_problem(FAMILY, question, write, answer=str(2 * (first + 3 * difference)))


def _repetition(rng: Random) -> Problem:
    start, shift = rng.randint(1, 9), rng.randint(1, 9)
    factor = rng.choice((2, 3)) if start < 4 else 2

    def write(author: Author) -> list[str]:
        value, lines = start, []
        for _ in range(2):
            before, value = value, author.number(factor * value)
            lines.append(f"Multiply: {factor} * {before} = {value}.")
            before, value = value, author.number(value + shift)
            lines.append(f"Add: {before} + {shift} = {value}.")
        return [*lines, conclude(value)]

    gold = factor * (factor * start + shift) + shift
    move = f"Start with {start}. A move multiplies the number by {factor} and adds {shift}. "
    return make_problem(FAMILY, _ask(rng, move, "the number after 2 moves"), write, answer=str(gold))


def _remainder(rng: Random) -> Problem:
    a, b, c = rng.randint(2, 9), rng.randint(2, 6), rng.randint(1, 9)
    modulus = rng.choice((2, 5, 10))

    def write(author: Author) -> list[str]:
        product = author.number(a * b)
        total = author.number(product + c)
        rest = author.pick(total % modulus, range(10))
        return [
            f"The product is {a} * {b} = {product}.",
            f"The sum is {product} + {c} = {total}.",
            f"The remainder is {total} % {modulus} = {rest}.",
            conclude(rest),
        ]

    question = _ask(rng, "", f"the remainder when {a} * {b} + {c} is divided by {modulus}")
    return make_problem(FAMILY, question, write, answer=str((a * b + c) % modulus))
