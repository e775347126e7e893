"""What every lab family shares: problems, authors who slip, lettered options and the four splits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Literal, TypeVar

Split = Literal["pretraining", "training", "tuning", "evaluation"]
Choice = TypeVar("Choice")
LETTERS = "ABCD"


class Author:
    """Writes a solution step by step and gets each step wrong with probability `slip_rate`.

    One author writes one text, so sloppiness persists within a text: this is what lets a model that has
    seen an early slip expect more of them.
    """

    def __init__(self, rng: Random, slip_rate: float) -> None:
        self.rng = rng
        self.slip_rate = slip_rate
        self.slips = 0
        self.steps = 0

    def _slips_now(self) -> bool:
        self.steps += 1
        slip = self.rng.random() < self.slip_rate
        self.slips += slip
        return slip

    def number(self, right: int) -> int:
        """The right number, or any other of about its size."""
        if not self._slips_now():
            return right
        wrong = self.rng.randint(0, max(30, 2 * right) - 1)
        return wrong + 1 if wrong >= right else wrong

    def pick(self, right: Choice, candidates: Sequence[Choice]) -> Choice:
        """The right candidate, or one of the others."""
        if not self._slips_now():
            return right
        return self.rng.choice([candidate for candidate in candidates if candidate != right])


Writer = Callable[[Author], list[str]]
"""Writes one solution, a line per step; what it gets wrong it carries on with."""


@dataclass(frozen=True)
class Problem:
    """One question with its gold answer; `steps` is the careful solution, its last line states the answer."""

    family: str
    question: str
    answer: str
    steps: tuple[str, ...]
    options: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    write: Writer = field(repr=False, compare=False, default=lambda author: [])


def make_problem(
    family: str,
    question: str,
    write: Writer,
    answer: str | None = None,
    options: Sequence[str] = (),
    tests: Sequence[str] = (),
) -> Problem:
    """Build a problem; its steps are what `write` yields without slips, which is also the default gold."""
    steps = tuple(write(Author(Random(0), 0.0)))
    gold = "\n".join(steps) if answer is None else answer
    return Problem(family, question, gold, steps, tuple(options), tuple(tests), write)


def conclude(answer: object) -> str:
    """The line every non-code solution ends with."""
    return f"The answer is {answer}."


def lettered(option: str, options: Sequence[str]) -> str:
    """The option with its letter."""
    return f"{option} ({LETTERS[options.index(option)]})"


def with_options(question: str, options: Sequence[str]) -> str:
    """The question followed by its lettered options.

    The letter follows its option, as it does in the solutions: reading it off is then a plain look-up.
    """
    return f"{question}\nOptions: {', '.join(lettered(option, options) for option in options)}."


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def sentence(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[0].upper() + text[1:]


def split_of(question: str) -> Split:
    """The split a question belongs to: a stable hash of its text, so that the four never overlap."""
    bucket = int.from_bytes(blake2b(question.encode(), digest_size=8).digest(), "big") % 100
    if bucket < 10:
        return "evaluation"
    if bucket < 15:
        return "tuning"
    return "training" if bucket < 40 else "pretraining"
