"""How many programs a minute the sandbox grades here. Prints a table and, as the last line, the same as JSON.

python benchmarks/sandbox_speed.py [--programs 200]
"""

import argparse
import json
import os
import time
from collections.abc import Callable

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders import code, programs
from genius_bench.evaluation.program_tests import ProgramTest


def functions(count: int) -> list[code.Verdict]:
    """Small functions with three asserts each, as in MBPP."""
    return code.grade(
        [
            code.Submission(
                f"def scale(values):\n    return sorted({factor} * value for value in values)",
                "scale",
                tuple(f"assert scale([{n}, 1]) == [{factor}, {factor * n}]" for n in (2, 3, 4)),
            )
            for factor in range(1, count + 1)
        ]
    )


def scripts(count: int) -> list[code.Verdict]:
    """Small programs with three inputs each, as LiveCodeBench's with public tests."""
    return programs.grade(
        [
            programs.ProgramSubmission(
                f"n = int(input())\nprint(*[n * k for k in map(int, input().split())], {number})",
                tuple(ProgramTest(f"{n}\n1 2\n", f"{n} {2 * n} {number}\n", "stdin") for n in (2, 3, 4)),
            )
            for number in range(count)
        ]
    )


def measured(work: Callable[[int], list[code.Verdict]], count: int) -> dict[str, float]:
    started = time.perf_counter()
    verdicts = work(count)
    seconds = time.perf_counter() - started
    passed = sum(verdict.correct for verdict in verdicts)
    return {"programs": count, "passed": passed, "seconds": seconds, "per_minute": 60 * count / seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", type=int, default=200, help="programs of each kind")
    count = parser.parse_args().programs
    obstacle = sandbox.available()
    if obstacle:
        raise SystemExit(obstacle)
    found = {work.__name__: measured(work, count) for work in (functions, scripts)}
    print(f"{'':10} {'programs':>8} {'passed':>8} {'seconds':>8} {'a minute':>8}")
    for name, row in found.items():
        print(
            f"{name:10} {row['programs']:8} {row['passed']:8} {row['seconds']:8.1f} {row['per_minute']:8.0f}"
        )
    print(json.dumps({"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0], **found}))


if __name__ == "__main__":
    main()
