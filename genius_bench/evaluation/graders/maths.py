"""Answers of any mathematical form, compared by math-verify in worker processes that cannot hang the evaluation."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from genius_bench.answers import numerals
from genius_bench.answers.formula import extract
from genius_bench.evaluation.graders.notation import as_latex, squeezed
from genius_bench.evaluation.graders.workers import answer_all

__all__ = ["Compared", "agree", "extract"]

BASED = re.compile(r"[0-9A-Z]+_(?:\d+|\{\d+\})")  # math-verify drops the base
WORKER = "genius_bench.evaluation.graders.maths_worker"


class Compared(NamedTuple):
    """`equal` is None where the answer could not be read or nothing could be decided; `problem` then says why."""

    equal: bool | None
    problem: str = ""


UNDECIDED = Compared(None, "comparing it with the gold answer took too much processor time or memory")


def agree(pairs: Sequence[tuple[str, str]]) -> list[Compared]:
    """For each (answer, gold): whether they are equivalent.

    Pairs that are equal as text or are both plain numbers are decided here; the others go to the workers, each
    different pair once.
    """
    written = [(as_latex(answer), as_latex(gold)) for answer, gold in pairs]
    found = {pair: Compared(_decided_at_sight(*pair)) for pair in dict.fromkeys(written)}
    hard = [pair for pair, compared in found.items() if compared.equal is None]
    if hard:
        replies = answer_all(WORKER, [{"answer": answer, "gold": gold} for answer, gold in hard])
        found |= {
            pair: UNDECIDED if reply is None else Compared(**reply)
            for pair, reply in zip(hard, replies, strict=True)
        }
    return [found[pair] for pair in written]


def _decided_at_sight(answer: str, gold: str) -> bool | None:
    ours, theirs = squeezed(answer), squeezed(gold)
    if ours == theirs:
        return True
    if BASED.fullmatch(ours) and BASED.fullmatch(theirs):
        return re.sub("[{}]", "", ours) == re.sub("[{}]", "", theirs)
    if numerals.as_number(answer) is None or numerals.as_number(gold) is None:
        return None
    return numerals.agrees(answer, gold)
