"""What every lab family shares: problems, readings that divide their authors, lettered options and the four splits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Literal, TypeVar

Split = Literal["pretraining", "training", "tuning", "evaluation"]
Prior = Literal["plain", "aligned", "misaligned"]
Choice = TypeVar("Choice")
LETTERS = "ABCD"
LEVELS = (1, 2, 3, 4, 5)

CAREFUL_SLIPS = 0.01
TOLD_SLIPS = 0.35
"""How often a tempted author of a reading that tells slips at least once in what follows."""


@dataclass(frozen=True)
class Reading:
    """A phrase that some authors read wrongly: the rule it tempts them to competes with the right one.

    Shares are of texts. Where the tempted are more than half, a model of these texts is misaligned there: what it says
    most often is wrong. Where they are fewer, it is aligned, and yet its greedy answer is wrong: those who read it
    right say so in two ways, so that the tempting text is still the most frequent single one.
    """

    phrase: str
    tempted: float
    tells: bool = False
    """Whether the tempted are also sloppier in what follows, and the others careful: then a look ahead can know."""

    @property
    def prior(self) -> Prior:
        return "misaligned" if self.tempted > 0.5 else "aligned"


@dataclass(frozen=True)
class Understanding:
    """How one author reads one phrase. `way` says in which of its wordings: 0, or 1 and 2 of an aligned reading."""

    right: bool
    way: int = 0


class Author:
    """Writes a solution step by step and gets each step wrong with probability `slip_rate`.

    One author writes one text, so sloppiness persists within a text: this is what lets a model that has
    seen an early slip expect more of them. Authors without `misreads` read every phrase right.
    """

    def __init__(self, rng: Random, slip_rate: float, *, misreads: bool = True) -> None:
        self.rng = rng
        self.slip_rate = slip_rate
        self.misreads = misreads
        self.slips = 0
        self.steps = 0

    def read(self, reading: Reading | None, later_steps: int) -> Understanding:
        """How the author takes a phrase; `later_steps` are those in which a reading that tells shows."""
        if reading is None:
            return Understanding(right=True)
        tempted = self.misreads and self.rng.random() < reading.tempted
        if reading.tells and self.misreads:
            told = 1 - (1 - TOLD_SLIPS) ** (1 / max(later_steps, 1))
            self.slip_rate = told if tempted else CAREFUL_SLIPS
        several = reading.prior == "aligned" and not tempted
        way = (self.rng.choice((1, 2)) if self.misreads else 1) if several else 0
        return Understanding(right=not tempted, way=way)

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
    """One question with its gold answer; `steps` is the right and careful solution, its last line states the answer."""

    family: str
    question: str
    answer: str
    steps: tuple[str, ...]
    key: str
    """What decides the answer, without names and wording: two problems of one key are the same to a memory."""
    level: int = 0
    """How long or large, 1 to 5; 0 where nothing is graded."""
    reading: Reading | None = None
    options: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    write: Writer = field(repr=False, compare=False, default=lambda author: [])

    @property
    def prior(self) -> Prior:
        return self.reading.prior if self.reading else "plain"


def make_problem(
    family: str,
    question: str,
    write: Writer,
    *,
    key: str,
    level: int = 0,
    reading: Reading | None = None,
    answer: str | None = None,
    options: Sequence[str] = (),
    tests: Sequence[str] = (),
) -> Problem:
    """Build a problem; its steps are what `write` yields without slips, which is also the default gold."""
    steps = tuple(write(Author(Random(0), 0.0, misreads=False)))
    gold = "\n".join(steps) if answer is None else answer
    return Problem(family, question, gold, steps, key, level, reading, tuple(options), tuple(tests), write)


def draw_reading(rng: Random, shares: dict[Reading, float]) -> Reading | None:
    """One of a family's readings by its share of the problems, or (for the rest of them) none."""
    return rng.choices([*shares, None], [*shares.values(), 1 - sum(shares.values())])[0]


def in_its_way(wording: str, understanding: Understanding) -> str:
    """A line, opened as its author does: who reads an aligned phrase right begins it in one of two other ways."""
    opening = ("", "So ", "Then ")[understanding.way]
    return f"{opening}{wording[0].lower()}{wording[1:]}" if opening else wording


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


def split_of(key: str) -> Split:
    """The split of everything with this key: a stable hash, so that the four never overlap."""
    bucket = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % 100
    if bucket < 10:
        return "evaluation"
    if bucket < 15:
        return "tuning"
    return "training" if bucket < 40 else "pretraining"
