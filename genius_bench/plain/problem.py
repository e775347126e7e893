"""What the families of `plain` share: a problem, its levels, and words to tell it with."""

from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = (1, 2, 3, 4, 5)
NAMES = (
    *("Alice", "Brian", "Clara", "Daniel", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack"),
    *("Karen", "Louis", "Maria", "Nathan", "Olivia", "Peter", "Rachel", "Simon", "Teresa", "Victor"),
)
"""Each of one word, none of them within another."""


@dataclass(frozen=True)
class Problem:
    """One question with its gold answer."""

    question: str
    answer: str
    """For formats an answer that follows all of `tests`."""
    key: str
    """What decides the answer, whoever it is told of: problems of one key are the same to a memory."""
    options: tuple[str, ...] = ()
    """The names of which one is the answer."""
    tests: tuple[str, ...] = ()
    """The checks of `graders/formats.py`."""


def listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
