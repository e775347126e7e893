"""Compares mathematical answers, one JSON line in, one out: run as a process of its own, which may be killed.

math-verify stops itself by signals, which work only in a main thread and cannot interrupt one long operation in C
(such as a power tower); hence a process, a memory limit here and a deadline in the parent.
"""

import json
import logging
import resource
import sys
from typing import Any

MEMORY_BYTES = 3 * 2**30
SECONDS = 4


def equal(answer: str, gold: str) -> bool | None:
    """Whether two answers are equivalent; None when the answer cannot be read."""
    from math_verify import parse, verify

    expected = parse(_as_box(gold), parsing_timeout=SECONDS)
    for form in _forms(answer):
        given = parse(form, parsing_timeout=SECONDS)
        if given:
            return bool(verify(expected, given, timeout_seconds=SECONDS))
    return None


def _as_box(text: str) -> str:
    return f"$\\boxed{{{text}}}$"


def _forms(answer: str) -> list[str]:
    """Ways to read an answer: as one formula, or (a phrase with words) as text that holds one."""
    with_words = "$" in answer or any(len(word) > 3 and word.isalpha() for word in answer.split())
    return [answer, _as_box(answer)] if with_words else [_as_box(answer), answer]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        job: dict[str, Any] = json.loads(line)
        try:
            verdict = equal(job["answer"], job["gold"])
        except (
            BaseException
        ):  # math-verify's timeout is no Exception; whatever it is, this pair is unreadable
            verdict = None
        print(json.dumps({"equal": verdict}), flush=True)


if __name__ == "__main__":
    main()
