"""`lab_comparison`: yes/no questions about animals; the solution recalls the facts, then compares them."""

from random import Random

from genius_bench.lab.problem import Author, Problem, article, conclude, make_problem, sentence
from genius_bench.lab.world import ANIMALS, SCALES

FAMILY = "lab_comparison"
MORE = {"weight": "heavier", "height": "taller", "speed": "faster"}
ASKED = (
    "Is {} {} than {}?",
    "Would you say that {0} is {1} than {2}?",
    "Is it true that {0} is {1} than {2}?",
)


def sample(rng: Random) -> Problem:
    """Is one animal heavier (taller, faster, ...) than another, or heavier than two or three of them?"""
    scale = rng.randrange(3)
    count = rng.choice((1, 2, 3)) if scale == 0 else 1
    while True:
        one, other = rng.sample(list(ANIMALS), 2)
        left, right = ANIMALS[one][scale], count * ANIMALS[other][scale]
        if left != right:
            break
    others = article(other) if count == 1 else f"{count} {other}s"
    question = rng.choice(ASKED).format(article(one), MORE[SCALES[scale]], others)

    def write(author: Author) -> list[str]:
        first = author.pick(ANIMALS[one][scale], range(1, 10))
        second = author.pick(ANIMALS[other][scale], range(1, 10))
        lines = [
            f"{sentence(article(animal))} has {SCALES[scale]} {value}."
            for animal, value in ((one, first), (other, second))
        ]
        if count > 1:
            single, second = second, author.number(count * second)
            lines.append(f"{count} {other}s have {SCALES[scale]} {count} * {single} = {second}.")
        truth = "more" if first > second else "less"
        relation = author.pick(truth, ("more", "less"))
        lines.append(f"{first} is {relation} than {second}.")
        return [*lines, conclude("Yes" if relation == "more" else "No")]

    return make_problem(FAMILY, question, write, answer="Yes" if left > right else "No")
