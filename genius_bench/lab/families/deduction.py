"""`lab_deduction`: follow a chain of rules to a colour and choose it among four options."""

from itertools import pairwise
from random import Random

from genius_bench.lab.problem import LETTERS, Author, Problem, conclude, lettered, make_problem, with_options
from genius_bench.lab.world import COLOURS, KINDS, NAMES

FAMILY = "lab_deduction"


def sample(rng: Random) -> Problem:
    """A chain: a name is of a kind, the kind is (of another that is) of a colour; and a name that does not matter."""
    name, other = rng.sample(NAMES, 2)
    kinds = rng.sample(KINDS, 3)
    chain, stray = kinds[: 2 if rng.random() < 0.7 else 1], kinds[2]
    options = list(COLOURS[:4])
    gold = rng.choice(options)
    facts = [f"{name} is {chain[0]}."]
    facts += [f"Everything {low} is {high}." for low, high in pairwise([*chain, gold])]
    facts.append(f"{other} is {stray}.")

    def write(author: Author) -> list[str]:
        kind = author.pick(chain[0], kinds)
        lines = [f"{name} is {kind}."]
        for high in chain[1:]:
            low, kind = kind, author.pick(high, kinds)
            lines.append(f"Everything {low} is {kind}, so {name} is {kind}.")
        colour = author.pick(gold, options)
        lines.append(f"Everything {kind} is {colour}, so {name} is {lettered(colour, options)}.")
        return [*lines, conclude(LETTERS[options.index(colour)])]

    question = with_options(f"{' '.join(facts)} What colour is {name}?", options)
    return make_problem(FAMILY, question, write, LETTERS[options.index(gold)], options)
