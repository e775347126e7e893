"""Answers of any mathematical form, compared by math-verify in worker processes that cannot hang the evaluation."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from genius_bench.answers import number
from genius_bench.answers.formula import extract
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
    found = {pair: Compared(_decided_at_sight(*pair)) for pair in dict.fromkeys(pairs)}
    hard = [pair for pair, compared in found.items() if compared.equal is None]
    if hard:
        replies = answer_all(WORKER, [{"answer": answer, "gold": gold} for answer, gold in hard])
        found |= {
            pair: UNDECIDED if reply is None else Compared(**reply)
            for pair, reply in zip(hard, replies, strict=True)
        }
    return [found[pair] for pair in pairs]


def _decided_at_sight(answer: str, gold: str) -> bool | None:
    if _squeezed(answer) == _squeezed(gold):
        return True
    if BASED.fullmatch(_squeezed(answer)) and BASED.fullmatch(_squeezed(gold)):
        return _squeezed(re.sub("[{}]", "", answer)) == _squeezed(re.sub("[{}]", "", gold))
    left, right = _bare(answer), _bare(gold)
    if number.as_number(left) is None or number.as_number(right) is None:
        return None
    return number.agrees(left, right)


def _bare(text: str) -> str:
    return text.strip().strip("$").strip().rstrip(".")


def _squeezed(text: str) -> str:
    r"""Without what carries no meaning: spacing, display commands, \left and \right."""
    text = re.sub(r"\\(?:left|right|displaystyle|[!,;: ])(?![a-zA-Z])", "", text)
    return re.sub(r"\s+", "", text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")).strip("$.")
