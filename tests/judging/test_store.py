"""Judgements on disk: kept through kills, full disks and damage, and shared by processes."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.judging.cache import Cache
from genius_bench.judging.comparison import compare
from genius_bench.judging.replies import Reply, prompt_digest
from tests.judging.cases import judge_at, questions, silent
from tests.judging.loopback import Messages, serve

IDENTITY = {"model": "m"}
ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from pathlib import Path
from genius_bench.judging.comparison import compare
from tests.judging.cases import judge_at, questions
judge = judge_at(sys.argv[1], Path(sys.argv[2]), concurrency=4)
found = compare(judge, questions(40), print)
print("judged", sum(one.value == 0.5 for one in found), "reused", sum(one.reused for one in found))
"""


def fair(messages: Messages) -> str:
    return "Verdict: A=B"


def judging_process(url: str, home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, url, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def stored_prompts(home: Path) -> set[str]:
    folders = list((home / "judgements").iterdir())
    assert len(folders) == 1
    cache = Cache(home, "loopback", {})
    cache.folder = folders[0]
    return set(cache.read())


def test_a_kill_loses_at_most_what_was_in_flight(tmp_path: Path) -> None:
    """Killed three times at other moments; then the rest is judged, and no stored judgement is asked for again."""
    with serve(fair, delay=0.05) as server:
        for answers in (7, 23, 46):
            process = judging_process(server.url, tmp_path)
            while len(server.answered) < answers:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            stored = stored_prompts(tmp_path)
            assert len(stored) >= len({prompt_digest(prompt) for prompt in server.answered}) - 4
            asked_before = len(server.prompts)
            time.sleep(0.1)
        process = judging_process(server.url, tmp_path)
        output, _ = process.communicate(timeout=60)
        asked_again = {prompt_digest(prompt) for prompt in server.prompts[asked_before:]}
        times = Counter(prompt_digest(prompt) for prompt in server.prompts)
    assert f"judged 40 reused {len(stored)}" in output
    assert not asked_again & stored
    assert len(times) == 80
    assert sum(times.values()) <= 80 + 3 * 4  # four in flight at each kill


def test_two_processes_at_once(tmp_path: Path) -> None:
    with serve(fair, delay=0.01) as server:
        both = [judging_process(server.url, tmp_path) for _ in range(2)]
        outputs = [process.communicate(timeout=60)[0] for process in both]
        assert all("judged 40" in output for output in outputs)
        asked = len(server.prompts)
        compare(judge_at(server.url, tmp_path), questions(40), silent)
        assert len(server.prompts) == asked
    assert len(stored_prompts(tmp_path)) == 80


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_damaged_tail_is_ignored_and_spoils_nothing_after_it(cut: int, tmp_path: Path) -> None:
    cache = Cache(tmp_path, "m", IDENTITY)
    cache.open()
    for number in range(3):
        cache.store(str(number), Reply(text=f"line\n{number} ✓"), silent)
    cache.close()
    (file,) = cache.folder.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-cut])
    assert set(Cache(tmp_path, "m", IDENTITY).read()) == {"0", "1"}
    with open(file, "ab") as damaged:
        damaged.write(b'\n{"prompt": "3", "text": "t"}\n\xff\xfe\n[1]\n{"prompt": "4", "odd": 1}\nnull')
    found = Cache(tmp_path, "m", IDENTITY).read()
    assert set(found) == {"0", "1", "3"}
    assert found["1"].text == "line\n1 ✓"
    assert found["1"].reused


def test_other_settings_are_another_judge(tmp_path: Path) -> None:
    with serve(fair) as server:
        for settings in ({}, {"temperature": 0.5}, {"max_tokens": 5}, {"model": "other"}):
            compare(judge_at(server.url, tmp_path, **settings), questions(1), silent)
        assert len(server.prompts) == 8
        for settings in ({"concurrency": 1}, {"tries": 1}, {"timeout_seconds": 9}, {"both_orders": False}):
            compare(judge_at(server.url, tmp_path, **settings), questions(1), silent)
        assert len(server.prompts) == 8


def test_errors_are_not_stored(tmp_path: Path) -> None:
    with serve(fair, faults=[None, "400"]) as server:
        compare(judge_at(server.url, tmp_path, concurrency=1), questions(1), silent)
    assert len(stored_prompts(tmp_path)) == 1


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
