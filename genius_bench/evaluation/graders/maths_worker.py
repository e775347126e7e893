"""Compares mathematical answers, one JSON line in, one out: run as a process of its own, which may be killed.

math-verify stops itself by an alarm clock, which a busy machine sets off and one long operation in C (such as a power
tower) sleeps through. Here it has none: the kernel ends the process at a limit of processor time or memory.
"""

import logging
import resource

from genius_bench.evaluation.graders.equality import GoldUnread, same_value
from genius_bench.evaluation.graders.shapes import equal
from genius_bench.evaluation.graders.workers import Job, limited, serve

MEMORY_BYTES = 3 * 2**30
SECONDS = 5.0
"""Of processor time for a comparison: twenty times what the slowest of MATH's gold answers takes."""


def compare(job: Job) -> Job:
    """Whether two answers are equivalent (`equal`); None when the answer cannot be read, or there is a `problem`."""
    with limited(SECONDS):
        try:
            return {"equal": equal(job["answer"], job["gold"], same_value)}
        except GoldUnread:
            return {"equal": None, "problem": "the gold answer cannot be read"}
        except Exception as error:  # sympy's, out of memory among them
            return {
                "equal": None,
                "problem": f"comparing it with the gold answer failed ({type(error).__name__})",
            }


def main() -> None:
    import math_verify  # noqa: F401, before the clock of the first answer runs

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    serve(compare)


if __name__ == "__main__":
    main()
