"""What the processes that the harness starts find in their environment."""

import os
import subprocess
import sys

import pytest

ASKED = """
from genius_bench.processes import in_own_process
from os import getenv
if __name__ == "__main__":
    print(in_own_process(getenv, "OMP_WAIT_POLICY"), in_own_process(getenv, "GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize(
    ("users_own", "found"),
    [
        ({}, "passive 0"),
        ({"OMP_WAIT_POLICY": "active"}, "active None"),
        ({"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "7"}, "active 7"),
    ],
)
def test_threads_of_stages_wait_passively_unless_the_user_says_otherwise(
    users_own: dict[str, str], found: str
) -> None:
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=inherited | users_own,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert asked.stdout.split() == found.split()
