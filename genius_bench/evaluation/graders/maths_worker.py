"""Compares mathematical answers, one JSON line in, one out: run as a process of its own, which may be killed.

math-verify stops itself by an alarm clock, which a busy machine sets off and one long operation in C (such as a power
tower) sleeps through. Here it has none: the kernel ends the process at a limit of processor time or memory.
"""

import logging
import resource
from functools import lru_cache
from typing import Any

from genius_bench.evaluation.graders.workers import Job, limited, serve

MEMORY_BYTES = 3 * 2**30
SECONDS = 5.0
"""Of processor time, for reading a gold answer and again for reading an answer and comparing the two."""


def compare(job: Job) -> Job:
    """Whether two answers are equivalent (`equal`); None when the answer cannot be read, or there is a `problem`."""
    from math_verify import verify

    with limited(SECONDS):
        expected = _gold(job["gold"])
    if not expected:
        return {"equal": None, "problem": "the gold answer cannot be read"}
    with limited(SECONDS):
        for form in _forms(job["answer"]):
            if given := _parsed(form):
                return {"equal": bool(verify(expected, given, timeout_seconds=None))}
    return {"equal": None}


@lru_cache(maxsize=256)
def _gold(text: str) -> list[Any]:
    return _parsed(_as_box(text))


def _parsed(text: str) -> list[Any]:
    from math_verify import parse

    return list(parse(text, parsing_timeout=None))


def _as_box(text: str) -> str:
    return f"$\\boxed{{{text}}}$"


def _forms(answer: str) -> list[str]:
    """Ways to read an answer: as one formula, or (a phrase with words) as text that holds one."""
    with_words = "$" in answer or any(len(word) > 3 and word.isalpha() for word in answer.split())
    return [answer, _as_box(answer)] if with_words else [_as_box(answer), answer]


def main() -> None:
    import math_verify  # noqa: F401, before the clock of the first answer runs

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    serve(compare)


if __name__ == "__main__":
    main()
