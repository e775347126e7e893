"""`lab_comparison`: yes/no questions about animals, whose measures are known by heart. A level is how much there is to
add up on the two sides."""

from random import Random

from genius_bench.lab.problem import (
    Author,
    Problem,
    Reading,
    article,
    conclude,
    draw_reading,
    in_its_way,
    make_problem,
    sentence,
)
from genius_bench.lab.world import ANIMALS, SCALES

FAMILY = "lab_comparison"
UNDER, SHORT, BEHIND = Reading("under", 0.42), Reading("short of", 0.66), Reading("behind", 0.66, tells=True)
"""All three mean less; the tempted take them for more."""
READINGS = {UNDER: 0.2, SHORT: 0.14, BEHIND: 0.14}
MEANS = {"more than": "more", "less than": "less", **{reading.phrase: "less" for reading in READINGS}}
OTHER = {"more": "less", "less": "more"}
ASKED = ("Is the {0} of {1} {2} that of {3}?", "Would you say that the {0} of {1} is {2} that of {3}?")
Side = tuple[tuple[int, str], ...]
"""How many of which animals."""


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """One animal against one, several against one, two kinds against one, against two, several and one against two."""
    scale = rng.randrange(len(SCALES))
    while True:
        names = rng.sample(list(ANIMALS), 4)
        left, right = _sides(rng, level, names)
        if (total := _measure(left, scale)) != (other_total := _measure(right, scale)):
            break
    if rng.random() < 0.5:
        left, right, total, other_total = right, left, other_total, total
    reading = draw_reading(rng, READINGS)
    phrase = reading.phrase if reading else rng.choice(("more than", "less than"))
    question = rng.choice(ASKED).format(SCALES[scale], _told(left), phrase, _told(right))
    truth = "more" if total > other_total else "less"

    def write(author: Author) -> list[str]:
        read = author.read(reading, len(left) + len(right))
        meant = MEANS[phrase] if read.right else OTHER[MEANS[phrase]]
        lines = [in_its_way(f"{sentence(phrase)} is {meant}.", read)] if reading else []
        first, second = (_written(side, scale, author, lines) for side in (left, right))
        found = "more" if first > second else "less" if first < second else "equal"
        said = author.pick(found, ("more", "less"))
        lines.append(f"{first} equals {second}." if said == "equal" else f"{first} is {said} than {second}.")
        return [*lines, conclude("Yes" if said == meant else "No")]

    return make_problem(
        FAMILY,
        question,
        write,
        key=f"{FAMILY} {scale} {sorted((left, right))} {reading.phrase if reading else ''}",
        level=level,
        reading=reading,
        answer="Yes" if truth == MEANS[phrase] else "No",
    )


def _sides(rng: Random, level: int, names: list[str]) -> tuple[Side, Side]:
    one, two, three, four = names
    several = rng.randint(2, 3)
    return {
        1: (((1, one),), ((1, two),)),
        2: (((several, one),), ((1, two),)),
        3: (((1, one), (1, two)), ((1, three),)),
        4: (((1, one), (1, two)), ((1, three), (1, four))),
        5: (((several, one), (1, two)), ((1, three), (1, four))),
    }[level]


def _measure(side: Side, scale: int) -> int:
    return sum(count * ANIMALS[animal][scale] for count, animal in side)


def _told(side: Side) -> str:
    return " and ".join(article(animal) if count == 1 else f"{count} {animal}s" for count, animal in side)


def _written(side: Side, scale: int, author: Author, lines: list[str]) -> int:
    """Recalls and adds up one side; the sum as the author has it."""
    parts = []
    for count, animal in side:
        value = author.pick(ANIMALS[animal][scale], range(1, 10))
        lines.append(f"{sentence(article(animal))} has {SCALES[scale]} {value}.")
        if count > 1:
            single, value = value, author.number(count * value)
            lines.append(f"{count} * {single} = {value}.")
        parts.append(value)
    if len(parts) == 1:
        return parts[0]
    total = author.number(sum(parts))
    lines.append(f"{parts[0]} + {parts[1]} = {total}.")
    return total
