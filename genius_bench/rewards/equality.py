"""When two final answers are the same, and which of a group's are. None, no final answer, equals nothing."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from operator import eq
from typing import Literal

from genius_bench.answers import numerals

Equality = Literal["text", "number", "maths"]
"""Equal as written (what `final_answer` reads is normalised already), or as numbers too, or as mathematics."""


def groups_of(answers: Sequence[str | None], equality: Equality) -> list[list[int]]:
    """Places of equal answers, in the order in which each was first stated.

    An answer joins the first group whose first member it equals: equality as numbers is not transitive.
    """
    stated = dict.fromkeys(answer for answer in answers if answer is not None)
    same = _comparison(equality, combinations(stated, 2))
    groups: list[list[int]] = []
    for place, answer in enumerate(answers):
        for group in groups:
            first = answers[group[0]]
            if answer is not None and first is not None and same(first, answer):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def equal_to(label: str, answers: Sequence[str | None], equality: Equality) -> list[bool]:
    """Which answers are the label."""
    stated = dict.fromkeys(answer for answer in answers if answer is not None)
    same = _comparison(equality, ((answer, label) for answer in stated))
    return [answer is not None and same(answer, label) for answer in answers]


def _comparison(equality: Equality, pairs: Iterable[tuple[str, str]]) -> Callable[[str, str], bool]:
    """Of any of these pairs. Mathematics is compared in worker processes, all pairs at once."""
    if equality == "text":
        return eq
    if equality == "number":
        return lambda one, other: one == other or numerals.agrees(one, other)
    from genius_bench.evaluation.graders.maths import agree

    pairs = list(pairs)
    equal = {pair for pair, compared in zip(pairs, agree(pairs), strict=True) if compared.equal}
    return lambda one, other: one == other or (one, other) in equal
