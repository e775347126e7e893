"""Shared by all tests: tiny models run fastest on one thread, nothing may reach a hub, the longest begin first, and CI
runs all engines. What takes long is left to it, and to who asks for it."""

import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


QUICKLY = "GENIUS_BENCH_TESTS_WITHOUT_SLOW"
"""Set by the process that was asked for all tests and no more, for those that it starts."""


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.option.markexpr or config.option.keyword
    asked_for_all = config.args_source == pytest.Config.ArgsSource.TESTPATHS and not chosen
    if asked_for_all and os.environ.get("TESTS") != "all" and not hasattr(config, "workerinput"):
        os.environ[QUICKLY] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take longest begin first: at the end one would run alone, and the other processes wait."""
    if QUICKLY in os.environ:
        later = pytest.mark.skip(
            reason="takes long: TESTS=all make test runs it, and so does naming its file"
        )
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(later)
    patience: dict[Path, float] = defaultdict(float)
    for item in items:
        if mark := item.get_closest_marker("timeout"):
            patience[item.path] = max(patience[item.path], mark.args[0])
    items.sort(key=lambda item: -patience[item.path])


ALWAYS_IN_CI = {"vllm", "ray", "deepspeed"}
"""Markers of what `.ci/run` installs: there a test that skips itself would hide that it was never run."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    skipped = ALWAYS_IN_CI.intersection(mark.name for mark in item.iter_markers())
    if report.skipped and skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where {', '.join(sorted(skipped))} must run: {report.longrepr}"
    return report
