"""A full disk: told in one line, and no judgement that was paid for is lost to the run."""

import errno
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.judging.comparison import compare
from tests.judging.cases import judge_at, questions, silent, stored_prompts
from tests.judging.loopback import Messages, serve


def fair(messages: Messages) -> str:
    return "Verdict: A=B"


class FullDisk:
    """Stands in for `os.write`: the disk is full from the `after`-th write to the `until`-th."""

    def __init__(self, after: int, until: float) -> None:
        self._write, self._calls = os.write, itertools.count(1)
        self._after, self._until = after, until

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self._after < next(self._calls) <= self._until:
            self._write(descriptor, data[:5])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(descriptor, data)


def test_a_full_disk_is_told_once_and_the_judgements_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    with serve(fair) as server:
        monkeypatch.setattr("genius_bench.judging.cache.os.write", FullDisk(6, float("inf")))
        judge = judge_at(server.url, tmp_path)
        found = compare(judge, questions(20), lines.append)
        compare(judge, questions(20), lines.append)
        assert len(server.prompts) == 40
        monkeypatch.undo()
        assert [one.value for one in found] == [0.5] * 20
        (complaint,) = [line for line in lines if "No space left on device" in line]
        assert "\n" not in complaint
        assert len(stored_prompts(tmp_path)) == 5
        compare(judge_at(server.url, tmp_path), questions(20), silent)
        assert len(server.prompts) == 40 + 35


def test_once_there_is_space_again_everything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(fair) as server:
        monkeypatch.setattr("genius_bench.judging.cache.os.write", FullDisk(6, 20))
        compare(judge_at(server.url, tmp_path), questions(20), silent)
    assert len(stored_prompts(tmp_path)) == 40


def test_nothing_is_spent_where_nothing_can_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(fair) as server:
        monkeypatch.setattr("genius_bench.judging.cache.os.write", FullDisk(0, float("inf")))
        with pytest.raises(InputError, match="nothing was spent") as caught:
            compare(judge_at(server.url, tmp_path), questions(2), silent)
        assert server.prompts == []
    assert "\n" not in str(caught.value)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path) -> None:
    lines: list[str] = []
    with serve(lambda messages: "because " * 50 + "\nVerdict: A=B") as server:
        found = compare(judge_at(server.url, tiny_disk), questions(40), lines.append)
        assert [one.value for one in found] == [0.5] * 40
        assert sum("No space left on device" in line for line in lines) == 1
        kept = stored_prompts(tiny_disk)
        assert 5 < len(kept) < 80
        with pytest.raises(InputError, match="nothing was spent"):
            compare(judge_at(server.url, tiny_disk), questions(40), silent)
        assert len(server.prompts) == 80
