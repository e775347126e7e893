"""genius-bench: train language models with self-training methods and score every checkpoint honestly."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genius_bench.api import Home as Home

__version__ = "0.1.0"

# Threads of OpenMP that spin while they wait take the cores from whatever else runs: two runs that share a machine
# slow each other several times over. Sleeping costs a quiet machine nothing. The library reads this once, when torch
# is imported; every process that the harness starts inherits it. Whoever sets the policy has the last word.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


def __getattr__(name: str) -> object:
    """`Home` when it is asked for: a command that does without does not wait for it."""
    if name == "Home":
        from genius_bench.api import Home

        return Home
    raise AttributeError(f"module 'genius_bench' has no attribute {name!r}")
