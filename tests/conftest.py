"""Shared by all tests: tiny models run fastest on one thread, nothing may reach a hub, and the longest begin first."""

import os
from collections import defaultdict
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take longest begin first: at the end one would run alone, and the other processes wait."""
    patience: dict[Path, float] = defaultdict(float)
    for item in items:
        if mark := item.get_closest_marker("timeout"):
            patience[item.path] = max(patience[item.path], mark.args[0])
    items.sort(key=lambda item: -patience[item.path])
