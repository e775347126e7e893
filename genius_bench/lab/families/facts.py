"""`lab_facts`: what a thing is and what is true of its class, both known by heart; four options. A level is one more
than the friends who lead to the thing."""

from itertools import pairwise
from random import Random

from genius_bench.lab.problem import (
    LETTERS,
    Author,
    Problem,
    Reading,
    article,
    conclude,
    draw_reading,
    in_its_way,
    lettered,
    make_problem,
    sentence,
    with_options,
)
from genius_bench.lab.world import CLASSES, NAMES, PROPERTIES

FAMILY = "lab_facts"
ASKED = ("What is the {} of {}?", "Name the {} of {}.", "Tell me the {} of {}.", "Choose the {} of {}.")
ALIGNED = {
    "bat": ("mammal", "bird"),
    "penguin": ("bird", "fish"),
    "ostrich": ("bird", "mammal"),
    "emu": ("bird", "mammal"),
    "kiwi": ("bird", "mammal"),
    "seahorse": ("fish", "mammal"),
    "manatee": ("mammal", "fish"),
    "ray": ("fish", "bird"),
}
MISALIGNED = {
    "dolphin": ("mammal", "fish"),
    "whale": ("mammal", "fish"),
    "orca": ("mammal", "fish"),
    "puffin": ("bird", "fish"),
    "rhea": ("bird", "mammal"),
    "firefly": ("insect", "bird"),
    "ladybird": ("insect", "bird"),
    "dragonfly": ("insect", "bird"),
}
TELLING = {
    "seal": ("mammal", "fish"),
    "walrus": ("mammal", "fish"),
    "porpoise": ("mammal", "fish"),
    "narwhal": ("mammal", "fish"),
    "platypus": ("mammal", "bird"),
    "cassowary": ("bird", "mammal"),
    "cicada": ("insect", "bird"),
    "butterfly": ("insect", "bird"),
}
MISTAKEN = {
    Reading(thing, tempted, tells): classes
    for things, tempted, tells in ((ALIGNED, 0.42, False), (MISALIGNED, 0.66, False), (TELLING, 0.66, True))
    for thing, classes in things.items()
}
"""Things that many take for what they are not: what they are, and what they are taken for."""
READINGS = {reading: (0.2 if reading.prior == "aligned" else 0.14) / len(ALIGNED) for reading in MISTAKEN}
OPTIONS_SHOWN = 4


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """Ask a property of a thing, or of what somebody has, or of what somebody's friend's friend has.

    A topic has the same four options in the same order: a model of this size does not learn to look letters up.
    """
    reading = draw_reading(rng, READINGS)
    topics = {topic: dict(list(classes.items())[:OPTIONS_SHOWN]) for topic, classes in PROPERTIES.items()}
    fitting = [topic for topic, values in topics.items() if not reading or "bird" in values]
    topic = rng.choice(fitting)
    values = topics[topic]
    right_class, tempting = MISTAKEN[reading] if reading else (rng.choice(list(values)), "")
    thing = reading.phrase if reading else rng.choice(CLASSES[right_class])
    options = list(values.values())
    friends = rng.sample(NAMES, 5)[: level - 1]
    others = [other for kind in values for other in CLASSES[kind]]
    passed_on = [f"{friend} asks {next_one}." for friend, next_one in pairwise(friends)]

    def write(author: Author) -> list[str]:
        lines, known = list(passed_on), thing
        if friends:
            known = author.pick(thing, others)
            lines.append(f"{friends[-1]} has {article(known)}.")
        read = author.read(reading if known == thing else None, 2)
        own = next((kind for kind in values if known in CLASSES[kind]), right_class)
        kind = author.pick(own if read.right else tempting, list(values))
        lines.append(in_its_way(f"{sentence(article(known))} is {article(kind)}.", read))
        chosen = author.pick(values[kind], options)
        lines.append(f"The {topic} is {lettered(chosen, options)}.")
        return [*lines, conclude(LETTERS[options.index(chosen)])]

    facts = [*passed_on, f"{friends[-1]} has {article(thing)}."] if friends else []
    about = "that" if friends else article(thing)
    gold = LETTERS[options.index(values[right_class])]
    question = f"{rng.choice(NAMES)} asks: {' '.join([*facts, rng.choice(ASKED).format(topic, about)])}"
    return make_problem(
        FAMILY,
        with_options(question, options),
        write,
        key=f"{FAMILY} {thing} {topic} {level}",
        level=level,
        reading=reading,
        answer=gold,
        options=options,
    )
