"""`plain_sums`: sums and differences in words. Levels: one step with numbers up to 5, up to 9, and up to 60, two steps,
and what a school book asks (products and their sum)."""

from collections.abc import Callable
from functools import partial
from random import Random

from genius_bench.plain.problem import NAMES, Problem

GOODS = (
    "apples",
    "pencils",
    "stickers",
    "marbles",
    "cookies",
    "books",
    "balloons",
    "shells",
    "coins",
    "cards",
)
PLACES = ("shop", "market", "bakery", "school fair")


def sample(rng: Random, level: int) -> Problem:
    """A story of somebody's goods that ends in a question for one whole number above 0."""
    return STORIES[level](rng)


def _one_step(least: int, most: int, rng: Random) -> Problem:
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    small, large = sorted(rng.sample(range(least, most + 1), 2))
    story, question, answer = rng.choice(
        (
            (
                f"{name} has {large} {goods}. {other} gives {name} {small} more.",
                "{2} does {0} have now",
                large + small,
            ),
            (
                f"{name} has {large} {goods} and gives {small} to {other}.",
                "{2} does {0} have left",
                large - small,
            ),
            (
                f"{name} has {small} {goods} and {other} has {large}.",
                "{2} do they have together",
                large + small,
            ),
            (
                f"{name} has {large} {goods}, {other} has {small}.",
                "more {2} does {0} have than {1}",
                large - small,
            ),
        )
    )
    asked = question.format(name, other, goods)
    return Problem(f"{story} How many {asked}?", str(answer), f"sums {large} {small} {question}")


def _two_steps(rng: Random) -> Problem:
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    start, more, fewer = rng.randint(5, 20), rng.randint(2, 10), rng.randint(1, 4)
    changes = [(f"buys {more} more", more), (f"gives {fewer} to {other}", -fewer)]
    rng.shuffle(changes)
    (first, one), (second, two) = changes
    return Problem(
        f"{name} has {start} {goods}. {name} {first} and then {second}. How many {goods} does {name} have now?",
        str(start + one + two),
        f"sums {start} {one} {two}",
    )


def _school_book(rng: Random) -> Problem:
    """Two products, their sum, and what is left of a sum of money or is shared out."""
    name, friend = rng.sample(NAMES, 2)
    one, two = rng.sample(GOODS, 2)
    many, few = rng.randint(3, 9), rng.randint(2, 6)
    dear, cheap = rng.randint(4, 9), rng.randint(2, 5)
    spent = many * cheap + few * dear
    place = rng.choice(PLACES)
    bought = f"At the {place}, {name} buys {many} {one} for ${cheap} each and {few} {two} for ${dear} each."
    if rng.random() < 0.5:
        purse = spent + rng.randint(5, 40)
        rest, answer = f"{name} had ${purse} at first. How many dollars does {name} have left?", purse - spent
    else:
        paid = rng.randint(5, spent // 2)
        rest = f"{friend} pays ${paid} of it and {name} pays the rest. How many dollars does {name} pay?"
        answer = spent - paid
    return Problem(f"{bought} {rest}", str(answer), f"sums {many} {cheap} {few} {dear} {answer}")


STORIES: dict[int, Callable[[Random], Problem]] = {
    1: partial(_one_step, 1, 5),
    2: partial(_one_step, 1, 9),
    3: partial(_one_step, 10, 60),
    4: _two_steps,
    5: _school_book,
}
