"""`lab_facts`: what a thing is and what is true of its class, both known by heart; four options."""

from random import Random

from genius_bench.lab.problem import (
    LETTERS,
    Author,
    Problem,
    article,
    conclude,
    lettered,
    make_problem,
    sentence,
    with_options,
)
from genius_bench.lab.world import CLASSES, NAMES, PROPERTIES

FAMILY = "lab_facts"
ASKED = (
    "What is the {} of {}?",
    "Which option is the {} of {}?",
    "Name the {} of {}.",
    "Tell me the {} of {}.",
    "Choose the {} of {}.",
    "Which of these is the {} of {}?",
)


def sample(rng: Random) -> Problem:
    """Ask a property of a thing, which follows from the class of the thing.

    A topic has the same four options in the same order: a model of this size does not learn to look letters up.
    """
    topic = rng.choice(list(PROPERTIES))
    values = dict(list(PROPERTIES[topic].items())[:4])
    right_class = rng.choice(list(values))
    thing = rng.choice(CLASSES[right_class])
    options = list(values.values())

    def write(author: Author) -> list[str]:
        kind = author.pick(right_class, list(values))
        lines = [f"{sentence(article(thing))} is {article(kind)}."]
        value = author.pick(values[kind], options)
        lines.append(f"The {topic} of {article(kind)} is {value}.")
        chosen = author.pick(value, options)
        lines.append(f"The option is {lettered(chosen, options)}.")
        return [*lines, conclude(LETTERS[options.index(chosen)])]

    asked = f"{rng.choice(NAMES)} asks: {rng.choice(ASKED).format(topic, article(thing))}"
    gold = LETTERS[options.index(values[right_class])]
    return make_problem(FAMILY, with_options(asked, options), write, gold, options)
