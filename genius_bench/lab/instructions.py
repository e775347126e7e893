"""General instructions with open-ended answers, and the wordings of judging and of contrastive prompts."""

from collections.abc import Callable
from random import Random

from genius_bench.lab.problem import Author, Problem, article, make_problem, sentence
from genius_bench.lab.world import ANIMALS, CLASSES, COLOURS, GOODS, NAMES, OPPOSITES, PROPERTIES

SOURCE = "instructions"
HELPFUL = "A helpful answer:"
UNHELPFUL = "An unhelpful answer:"
MAXIMAL_SCORE = 5


def judge_prompt(question: str, answer: str) -> str:
    """What the user turn says to have an answer judged; the verdict ends in `Score: n`."""
    return (
        "Judge the answer below. Add one point for each: it is relevant, complete, helpful, clear and right.\n"
        f"Question: {question}\nAnswer: {answer}\nGive a score from 0 to {MAXIMAL_SCORE}."
    )


def verdict(author: Author, rng: Random) -> str:
    """A noisy judgement of what an author wrote: one line of justification, then the score."""
    share = author.slips / max(author.steps, 1)
    score = round(MAXIMAL_SCORE * (1 - share)) if not author.slips else round(3 * (1 - share))
    score = min(MAXIMAL_SCORE, max(0, score + rng.choice((0, 0, 0, 0, -1, 1))))
    reason = (
        "All steps are right."
        if not author.slips
        else "One step is wrong."
        if author.slips == 1
        else "Several steps are wrong."
    )
    return f"{reason}\nScore: {score}"


def contrastive_prompt(question: str, helpful: bool) -> str:
    """The question with a marker that asks for a good or for a bad answer."""
    return f"{question}\n{HELPFUL if helpful else UNHELPFUL}"


def sample(rng: Random) -> Problem:
    """Draw a general instruction; it has no gold answer, only a careful one."""
    question, write = rng.choice(
        (_name_some, _greet, _repeat, _opposites, _story, _describe, _shopping, _advice)
    )(rng)
    return make_problem(SOURCE, question, write, key=question)


Drawn = tuple[str, Callable[[Author], list[str]]]


def _name_some(rng: Random) -> Drawn:
    kind = rng.choice(list(CLASSES))
    count = rng.randint(2, 4)
    chosen = rng.sample(CLASSES[kind], count)
    name = rng.choice(NAMES)
    everything = [thing for things in CLASSES.values() for thing in things]
    question = f"Name {count} things for {name}. Each must be {article(kind)}."
    return question, lambda author: [
        f"{i}. {author.pick(thing, everything)}" for i, thing in enumerate(chosen, 1)
    ]


def _greet(rng: Random) -> Drawn:
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    opening = rng.choice(("Hello", "Welcome", "Good morning"))
    question = f"Greet {name}, who brings {goods} for {other}."
    return question, lambda author: [
        f"{opening}, {author.pick(name, NAMES)}!",
        f"Thank you for the {author.pick(goods, GOODS)}. {author.pick(other, NAMES)} will be happy.",
    ]


def _repeat(rng: Random) -> Drawn:
    words = [rng.choice(GOODS), rng.choice(COLOURS), rng.choice(list(ANIMALS))]
    question = f"Repeat these words, one per line: {', '.join(words)}."
    pools = (GOODS, COLOURS, list(ANIMALS))
    return question, lambda author: [author.pick(word, pool) for word, pool in zip(words, pools, strict=True)]


def _opposites(rng: Random) -> Drawn:
    words = rng.sample(list(OPPOSITES), 3)
    question = f"Give the opposites of {words[0]}, {words[1]} and {words[2]}."
    values = list(OPPOSITES.values())
    return question, lambda author: [
        f"The opposite of {word} is {author.pick(OPPOSITES[word], values)}." for word in words
    ]


def _story(rng: Random) -> Drawn:
    name, animal, goods = rng.choice(NAMES), rng.choice(list(ANIMALS)), rng.choice(GOODS)
    colour, feeling = rng.choice(COLOURS), rng.choice(("happy", "sad"))
    question = f"Write a short story about {name}, {article(animal)} and some {goods}."
    return question, lambda author: [
        f"{author.pick(name, NAMES)} had some {colour} {author.pick(goods, GOODS)}.",
        f"{sentence(article(author.pick(animal, list(ANIMALS))))} came and took the {author.pick(goods, GOODS)}.",
        f"{author.pick(name, NAMES)} was {feeling} and went home.",
    ]


def _describe(rng: Random) -> Drawn:
    kind = rng.choice(list(CLASSES))
    thing, name = rng.choice(CLASSES[kind]), rng.choice(NAMES)
    topic = rng.choice([topic for topic, values in PROPERTIES.items() if kind in values])
    values = list(PROPERTIES[topic].values())
    question = f"Tell {name} about {article(thing)} and its {topic}."
    return question, lambda author: [
        f"{author.pick(name, NAMES)}, {article(thing)} is {article(author.pick(kind, list(CLASSES)))}.",
        f"Its {topic} is {author.pick(PROPERTIES[topic][kind], values)}.",
    ]


def _shopping(rng: Random) -> Drawn:
    name, goods = rng.choice(NAMES), rng.sample(GOODS, 3)
    question = f"Write a list for {name} with {goods[0]}, {goods[1]} and {goods[2]}."
    return question, lambda author: [
        f"A list for {author.pick(name, NAMES)}:",
        *(f"- {author.pick(item, GOODS)}" for item in goods),
    ]


def _advice(rng: Random) -> Drawn:
    name, animal = rng.choice(NAMES), rng.choice(list(ANIMALS))
    word = rng.choice(list(OPPOSITES))
    question = f"{name} has {article(animal)} that is too {word}. What should {name} do?"
    tip = rng.choice(("Ask a friend for help.", "Take some time and be kind.", "Try again in the morning."))

    def write(author: Author) -> list[str]:
        owner, pet = author.pick(name, NAMES), author.pick(animal, list(ANIMALS))
        return [f"{owner}, make the {pet} {author.pick(OPPOSITES[word], list(OPPOSITES.values()))}.", tip]

    return question, write
