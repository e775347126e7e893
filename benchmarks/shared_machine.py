"""Several evaluations at once on one machine against one alone: what is lost when runs share its cores. Each
evaluates the lab on one task, from nothing, in a home of its own, with start-up and loading counted.

    python -m benchmarks.shared_machine [--runs 3] [--at-once 3] [--waiting passive|active]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMAND = ("-m", "genius_bench", "eval", "lab", "--suite", "lab_words")


def seconds_of(count: int, environment: dict[str, str]) -> float:
    """Wall seconds until `count` evaluations that begin together have all ended. Raises `RuntimeError` if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        running = [
            subprocess.Popen(
                [sys.executable, *COMMAND, "--home", str(Path(folder) / str(number))],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            for number in range(count)
        ]
        codes = [process.wait() for process in running]
        if any(codes):
            raise RuntimeError(f"an evaluation failed: exit codes {codes}")
        return time.monotonic() - start


def measure(runs: int, at_once: int, waiting: str) -> dict[str, Any]:
    """In turns, so that whatever else the machine does falls on both. `ratio` 1 means that sharing loses nothing."""
    environment = {**os.environ, "OMP_WAIT_POLICY": waiting, "HF_HUB_OFFLINE": "1"}
    environment.pop("OMP_NUM_THREADS", None)
    environment.pop("GOMP_SPINCOUNT", None)
    if waiting == "passive":
        environment.pop("OMP_WAIT_POLICY")  # the default of the harness is what is measured
    alone, together = [], []
    for _ in range(runs):
        alone.append(seconds_of(1, environment))
        together.append(seconds_of(at_once, environment))
    return {
        "waiting": waiting,
        "at_once": at_once,
        "alone_seconds": [round(value, 1) for value in alone],
        "together_seconds": [round(value, 1) for value in together],
        "ratio": round(statistics.median(together) / (at_once * statistics.median(alone)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--waiting", choices=("passive", "active"), default="passive")
    options = parser.parse_args()
    found = measure(options.runs, options.at_once, options.waiting)
    print(json.dumps(found, indent=2))
    print(
        f"{options.at_once} evaluations at once take {found['ratio']:.2f} times what {options.at_once} would one after "
        f"another (medians of {options.runs})"
    )


if __name__ == "__main__":
    main()
