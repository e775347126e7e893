"""Judgements on disk: kept through kills and damage, and shared by processes."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from genius_bench.judging.cache import Cache
from genius_bench.judging.comparison import compare
from genius_bench.judging.replies import Reply, prompt_digest
from genius_bench.rows import Message
from tests.judging.cases import judge_at, questions, silent, stored_prompts
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


def digest(messages: Messages) -> str:
    return prompt_digest([Message(role=one["role"], content=one["content"]) for one in messages])


@pytest.mark.slow
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
            assert len(stored) >= len({digest(prompt) for prompt in server.answered}) - 4
            asked_before = len(server.prompts)
            time.sleep(0.1)
        process = judging_process(server.url, tmp_path)
        output, _ = process.communicate(timeout=60)
        asked_again = {digest(prompt) for prompt in server.prompts[asked_before:]}
        times = Counter(digest(prompt) for prompt in server.prompts)
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


def test_a_flipped_bit_costs_a_judgement_and_changes_none(tmp_path: Path) -> None:
    cache, said = Cache(tmp_path, "m", IDENTITY), "Verdict: A>B \ud83d"  # JSON may hold half of a pair
    cache.open()
    cache.store("a prompt", Reply(text=said), silent)
    cache.close()
    (file,) = cache.folder.glob("*.jsonl")
    content = file.read_bytes()
    assert [one.text for one in Cache(tmp_path, "m", IDENTITY).read().values()] == [said]
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 7]) + content[place + 1 :])
        found = Cache(tmp_path, "m", IDENTITY).read()
        assert {prompt: one.text for prompt, one in found.items()} in ({}, {"a prompt": said}), place


def test_other_settings_are_another_judge(tmp_path: Path) -> None:
    with serve(fair) as server:
        others: list[dict[str, Any]] = [{}, {"temperature": 0.5}, {"max_tokens": 5}, {"model": "other"}]
        for settings in others:
            compare(judge_at(server.url, tmp_path, **settings), questions(1), silent)
        assert len(server.prompts) == 8
        same: list[dict[str, Any]] = [
            {"concurrency": 1},
            {"tries": 1},
            {"timeout_seconds": 9},
            {"both_orders": False},
        ]
        for settings in same:
            compare(judge_at(server.url, tmp_path, **settings), questions(1), silent)
        assert len(server.prompts) == 8


def test_errors_are_not_stored(tmp_path: Path) -> None:
    with serve(fair, faults=[None, "400"]) as server:
        compare(judge_at(server.url, tmp_path, concurrency=1), questions(1), silent)
    assert len(stored_prompts(tmp_path)) == 1
