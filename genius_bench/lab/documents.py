"""The pre-training stream: demonstrations by careful and sloppy authors, instructions, judgements, contrasts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from genius_bench.lab import instructions
from genius_bench.lab.families import SAMPLERS
from genius_bench.lab.problem import CAREFUL_SLIPS, LEVELS, Author, Problem, Split, split_of

SLOPPY_SLIPS = 0.55
SLOPPY_SHARE = 0.4

MIXTURE: dict[str, float] = {
    "lab_words": 0.13,
    "lab_equations": 0.12,
    "lab_deduction": 0.15,
    "lab_comparison": 0.10,
    "lab_facts": 0.11,
    "lab_olympiad": 0.14,
    "lab_functions": 0.10,
    "instructions": 0.05,
    "judgement": 0.05,
    "contrast": 0.05,
}
"""Share of documents by kind; arithmetic is the hardest to learn and so gets the most."""


@dataclass(frozen=True)
class Document:
    """One exchange; `question` is the one whose split the document belongs to."""

    kind: str
    question: str
    prompt: str
    response: str


def draw(source: str, rng: Random, split: Split, level: int | None = None) -> Problem:
    """Draw a problem of a family (of a level, or of any), or a general instruction, whose key belongs to `split`."""
    while True:
        if source == instructions.SOURCE:
            problem = instructions.sample(rng)
        else:
            problem = SAMPLERS[source](rng, level or rng.choice(LEVELS), split == "pretraining")
        if split_of(problem.key) == split:
            return problem


def draw_author(rng: Random, sloppy_share: float) -> Author:
    """An author who is sloppy with the given probability."""
    return Author(rng, SLOPPY_SLIPS if rng.random() < sloppy_share else CAREFUL_SLIPS)


def draw_document(kind: str, rng: Random, sloppy: bool = True) -> Document:
    """One document of a kind of the mixture, from the pre-training split; `sloppy` admits sloppy authors."""
    if kind in SAMPLERS or kind == instructions.SOURCE:
        problem = draw(kind, rng, "pretraining")
        author = draw_author(rng, SLOPPY_SHARE if sloppy else 0.0)
        return Document(kind, problem.question, problem.question, _text(problem, author))
    source = rng.choice([*SAMPLERS, instructions.SOURCE])
    problem = draw(source, rng, "pretraining")
    if kind == "judgement":
        author = draw_author(rng, SLOPPY_SHARE)
        prompt = instructions.judge_prompt(problem.question, _text(problem, author))
        return Document(kind, problem.question, prompt, instructions.verdict(author, rng))
    helpful = rng.random() < 0.5
    author = draw_author(rng, sloppy_share=0.0 if helpful else 1.0)
    prompt = instructions.contrastive_prompt(problem.question, helpful)
    return Document(kind, problem.question, prompt, _text(problem, author))


def stream(seed: int, careful: int = 0) -> Iterator[Document]:
    """Endless pre-training documents; the same seed yields the same stream.

    The demonstrations among the first `careful` documents have careful authors only: skills are learned
    several times faster from them, and sloppiness is learned quickly afterwards.
    """
    rng = Random(seed)
    kinds, weights = list(MIXTURE), list(MIXTURE.values())
    for number in count():
        yield draw_document(rng.choices(kinds, weights)[0], rng, sloppy=number >= careful)


def _text(problem: Problem, author: Author) -> str:
    return "\n".join(problem.write(author))
