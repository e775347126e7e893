"""Solutions held against the gold answer, and which of many a query gives to training."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from genius_bench.engines.interface import Completion
from genius_bench.sampling.answers import agrees

Distinct = Literal["no", "equations"]
"""How solutions differ: each is one of its own, or those with the same equations are one."""

WORDS = re.compile(r"[^\W\d_]{2,}|[\n;:]|<<|>>|[.,](?=\s|$)")
"""What stands between equations: `So she has 3 + 4 = 7.` has one."""


def right_and_wrong(
    responses: Iterable[Completion], answer: str
) -> tuple[list[Completion], list[Completion]]:
    """Those that end in the gold answer, and the others."""
    right: list[Completion] = []
    wrong: list[Completion] = []
    for response in responses:
        (right if agrees(response.text, answer) else wrong).append(response)
    return right, wrong


def draw_solutions(
    solutions: Iterable[Completion], count: int, seed: int, distinct: Distinct = "no"
) -> list[Completion]:
    """At most `count`, drawn without replacement: the same ones in whatever order the solutions have come."""
    ordered = sorted(solutions, key=lambda solution: solution.token_ids)
    shuffled = [ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered))]
    if distinct == "equations":
        firsts: dict[Sequence[str], Completion] = {}
        for solution in shuffled:
            firsts.setdefault(equations(solution.text), solution)
        shuffled = list(firsts.values())
    return shuffled[:count]


def equations(text: str) -> Sequence[str]:
    """A solution's equations in their order, without blanks; the whole text where it has none."""
    found = ("".join(piece.split()) for piece in WORDS.split(text))
    return tuple(piece for piece in found if "=" in piece and re.search(r"\d", piece)) or (text,)
