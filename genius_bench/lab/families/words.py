"""`lab_words`: word problems; somebody's goods become more and fewer. A level is the number of changes."""

from random import Random

from genius_bench.lab.problem import (
    Author,
    Problem,
    Reading,
    conclude,
    draw_reading,
    in_its_way,
    make_problem,
    sentence,
)
from genius_bench.lab.world import GOODS, NAMES

FAMILY = "lab_words"
GAINS = ("buys", "finds", "gets")
LOSSES = ("loses", "sells", "drops")
BORROWS, LENDS = Reading("borrows", 0.42), Reading("lends", 0.42)
"""Who borrows has more then, who lends has fewer; the tempted take the one for the other."""
READINGS = {BORROWS: 0.2, LENDS: 0.2}
SIGN = dict.fromkeys((*GAINS, BORROWS.phrase), "+") | dict.fromkeys((*LOSSES, LENDS.phrase), "-")
OTHER = {"+": "-", "-": "+"}
LARGEST_SHOWN = 30


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """Somebody has some goods, then `level` times more or fewer of them."""
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    reading = draw_reading(rng, READINGS)
    large = not shown and level >= 4 and rng.random() < 0.5
    start = rng.randint(LARGEST_SHOWN, 2 * LARGEST_SHOWN) if large else rng.randint(4, LARGEST_SHOWN)
    verbs = [rng.choice((*GAINS, *LOSSES)) for _ in range(level)]
    if reading:
        verbs[rng.randrange(level)] = reading.phrase
    changes: list[tuple[str, int]] = []
    total = start
    for number, verb in enumerate(verbs):
        if SIGN[verb] == "-" and total < 3:
            verb = verbs[number] = rng.choice(GAINS)
        amount = rng.randint(1, 9 if SIGN[verb] == "+" else min(total - 1, 9))
        changes.append((verb, amount))
        total += amount if SIGN[verb] == "+" else -amount
    if reading and reading.phrase not in verbs:
        reading = None
    story = " ".join(f"{name} {verb} {amount}." for verb, amount in changes)
    asked = rng.choice(
        (f"How many {goods} does {name} have now?", f"{other} asks how many {goods} {name} has now.")
    )

    def write(author: Author) -> list[str]:
        have, lines = start, []
        for number, (verb, amount) in enumerate(changes):
            read = author.read(reading if reading and verb == reading.phrase else None, level - number - 1)
            sign = SIGN[verb] if read.right else OTHER[SIGN[verb]]
            before, have = have, author.number(have + amount if sign == "+" else have - amount)
            lines.append(in_its_way(sentence(f"{verb} {amount}: {before} {sign} {amount} = {have}."), read))
        return [*lines, conclude(have)]

    return make_problem(
        FAMILY,
        f"{name} has {start} {goods}. {story} {asked}",
        write,
        key=f"{FAMILY} {start} {changes}",
        level=level,
        reading=reading,
        answer=str(total),
    )
