"""When an online training has gone flat, by rules that see no label: a mark, and no verdict on what it says."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

WINDOW = 10
"""Steps in a row for which a rule must hold, so that one step's queries decide nothing."""
SIGNALS = ("distinct_answers", "unstated", "unfinished", "entropy")
Line = dict[str, float]


class Collapse(NamedTuple):
    step: int
    """The last one of the first stretch that a rule holds for."""
    why: str


RULES: dict[str, Callable[[Line, Line], bool]] = {
    "nearly every group says one thing": lambda first, now: (
        now["distinct_answers"] <= 1.05 < first["distinct_answers"] and now["unstated"] < 0.5
    ),
    "hardly any response states an answer": lambda first, now: (
        now["unstated"] >= 0.9 > 0.5 > first["unstated"]
    ),
    "hardly any response comes to an end": lambda first, now: (
        now["unfinished"] >= 0.9 > 0.5 > first["unfinished"]
    ),
    "a tenth of the entropy is left": lambda first, now: now["entropy"] <= first["entropy"] / 10,
}
"""What is wrong → whether it is, by the means of the first steps and by a later one."""


def collapse(lines: Sequence[Line]) -> Collapse | None:
    """The first stretch of steps for which a rule holds, None where there is none."""
    first = {name: fmean(line[name] for line in lines[:WINDOW]) for name in SIGNALS} if lines else {}
    for last in range(2 * WINDOW, len(lines) + 1):
        for why, holds in RULES.items():
            if all(holds(first, line) for line in lines[last - WINDOW : last]):
                return Collapse(int(lines[last - 1]["step"]), why)
    return None
