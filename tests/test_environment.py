"""What the machine is, where the system tells less of it."""

import os

import pytest

from genius_bench.environment import usable_cores
from genius_bench.evaluation.graders import Item, grade


def test_cores_are_counted_where_no_affinity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        assert usable_cores() == len(os.sched_getaffinity(0))
        monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == os.cpu_count()
    [verdict] = grade("math", [("The answer is \\boxed{1/2}.", Item(gold="0.5"))])
    assert verdict.correct
