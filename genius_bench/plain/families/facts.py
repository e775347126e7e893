"""`plain_facts`: one fact out of a paragraph. Levels: two people, three, five with something else told of each; then a
fact that takes two sentences, among three and among five."""

from random import Random

from genius_bench.plain.problem import NAMES, Problem

JOBS = ("baker", "teacher", "nurse", "farmer", "plumber", "painter", "lawyer", "pilot", "gardener", "dentist")
TOWNS = (
    "Brookfield",
    "Ashton",
    "Kingsley",
    "Redhill",
    "Oakdale",
    "Fairview",
    "Millbrook",
    "Stonebridge",
    "Westport",
)
HOBBIES = (
    "likes to swim",
    "plays chess",
    "collects stamps",
    "sings in a choir",
    "rides a bicycle",
    "paints at weekends",
)
PEOPLE = {1: 2, 2: 3, 3: 5, 4: 3, 5: 5}
TWO_SENTENCES = 4
"""The first level whose facts take two."""


def sample(rng: Random, level: int) -> Problem:
    """Who is the …, where does … live; from level 4 on, where does the … live. The answer is one of the names."""
    count = PEOPLE[level]
    names, jobs, towns = rng.sample(NAMES, count), rng.sample(JOBS, count), rng.sample(TOWNS, count)
    wanted = rng.randrange(count)
    works = [f"{name} is a {job}." for name, job in zip(names, jobs, strict=True)]
    lives = [f"{name} lives in {town}." for name, town in zip(names, towns, strict=True)]
    if level >= TWO_SENTENCES:
        question, answer, options = f"In which town does the {jobs[wanted]} live?", towns[wanted], towns
        paragraph = [*rng.sample(works, count), *rng.sample(lives, count)]
    elif rng.random() < 0.5:
        question, answer, options = f"Who is the {jobs[wanted]}?", names[wanted], names
        paragraph = works
    else:
        question, answer, options = f"In which town does {names[wanted]} live?", towns[wanted], towns
        paragraph = lives
    if level == 3:
        paragraph = [
            f"{told} {name} {rng.choice(HOBBIES)}." for told, name in zip(paragraph, names, strict=True)
        ]
    return Problem(
        f"{' '.join(paragraph)} {question}",
        answer,
        f"facts {level} {wanted} {answer} {sorted(options)}",
        tuple(sorted(options)),
    )
