"""`lab_words`: word problems with two or three arithmetic steps."""

from random import Random

from genius_bench.lab.problem import Author, Problem, conclude, make_problem
from genius_bench.lab.world import GOODS, NAMES

FAMILY = "lab_words"
GAINS = ("buys", "finds", "gets")
LOSSES = ("loses", "sells", "gives away")


def sample(rng: Random) -> Problem:
    """Somebody has some goods, then once or twice more or fewer of them."""
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    boxes, each = rng.randint(2, 6), rng.randint(2, 6)
    start = boxes * each if (boxed := rng.random() < 0.5) else rng.randint(3, 30)
    changes: list[tuple[str, str, int]] = []
    total = start
    for verb in rng.sample(GAINS + LOSSES, rng.randint(1, 2) + (not boxed)):
        if verb in LOSSES and total < 2:
            continue
        sign, most = ("+", 9) if verb in GAINS else ("-", min(total - 1, 9))
        change = (verb, sign, rng.randint(1, most))
        changes.append(change)
        total += change[2] if change[1] == "+" else -change[2]

    opening = (
        f"{name} has {boxes} boxes with {each} {goods} each." if boxed else f"{name} has {start} {goods}."
    )
    story = " ".join(
        f"{name} {verb} {amount}{' more' if sign == '+' else ''}." for verb, sign, amount in changes
    )
    asked = rng.choice(
        (f"How many {goods} does {name} have now?", f"{other} asks how many {goods} {name} has now.")
    )

    def write(author: Author) -> list[str]:
        have, lines = start, []
        if boxed:
            have = author.number(start)
            lines.append(f"{name} starts with {boxes} * {each} = {have} {goods}.")
        for verb, sign, amount in changes:
            before, have = have, author.number(have + amount if sign == "+" else have - amount)
            lines.append(f"{name} {verb} {amount}, so {before} {sign} {amount} = {have}.")
        return [*lines, conclude(have)]

    return make_problem(FAMILY, f"{opening} {story} {asked}", write, answer=str(total))
