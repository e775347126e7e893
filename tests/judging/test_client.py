"""A judge behind an endpoint: every fault is retried or told, and the key stays where it belongs."""

import itertools
import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.judging.comparison import compare
from genius_bench.judging.judge import FAILURES_IN_A_ROW, open_judge
from genius_bench.recipe import EngineSection, JudgeSection
from tests.judging.cases import judge_at, questions, silent
from tests.judging.loopback import Messages, serve

KEY = "sk-a-key-that-must-never-be-seen"


def fair(messages: Messages) -> str:
    return "Both say the same.\nVerdict: A=B"


@pytest.mark.parametrize("fault", ["429", "500", "503", "408", "close", "broken", "empty", "hang"])
def test_faults_are_tried_again(fault: str, tmp_path: Path) -> None:
    with serve(fair, faults=[fault, fault]) as server:
        judge = judge_at(server.url, tmp_path, timeout_seconds=0.5, both_orders=False)
        found = compare(judge, questions(3), silent)
    assert [one.value for one in found] == [0.5] * 3
    assert [one.failures for one in found] == [0] * 3
    assert len(server.prompts) == 5


def test_all_faults_in_one_run_cost_no_judgement_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    faults = ["429 after 1", "500", "close", "broken", "empty", "hang", None, "500", "close"]
    with serve(fair, faults=faults) as server:
        for _ in range(3):
            found = compare(judge_at(server.url, tmp_path, timeout_seconds=0.5), questions(20), silent)
            assert all(one.value == 0.5 and one.failures == 0 for one in found)
        assert len(server.answered) == 40
        assert len(server.prompts) == 40 + 8
    assert sum(one.reused for one in found) == 40


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    with serve(fair, faults=["429 after 1"]) as server:
        started = time.monotonic()
        compare(judge_at(server.url, tmp_path, both_orders=False), questions(1), silent)
    assert 1.0 <= time.monotonic() - started < 4.0


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "422"])
def test_refusals_are_not_tried_again(status: str, tmp_path: Path) -> None:
    with serve(fair, faults=[f"{status} no, thank you"] * 2) as server:
        judge = judge_at(server.url, tmp_path, concurrency=1)
        with pytest.raises(
            GeniusBenchError, match=f"every request failed.*{status}.*no, thank you"
        ) as caught:
            compare(judge, questions(1), silent)
    assert len(server.prompts) == 2
    assert "\n" not in str(caught.value)


def test_a_single_failure_is_recorded_and_asked_again_next_time(tmp_path: Path) -> None:
    with serve(fair, faults=[None, "400 too long"]) as server:
        judge = judge_at(server.url, tmp_path, concurrency=1)
        first, second = compare(judge, questions(2), silent)
        assert (first.value, first.failures, first.weight) == (0.5, 1, 1.0)
        assert "too long" in first.errors[1]
        assert (second.value, second.failures) == (0.5, 0)
        again = compare(judge_at(server.url, tmp_path), questions(2), silent)
        assert [one.failures for one in again] == [0, 0]
        assert len(server.prompts) == 5


@pytest.mark.parametrize(
    "faults", [itertools.repeat("500"), itertools.repeat("close"), itertools.repeat("401")]
)
def test_a_judge_out_of_order_ends_the_asking_soon(faults: Iterable[str], tmp_path: Path) -> None:
    with serve(fair, faults=faults) as server:
        judge = judge_at(server.url, tmp_path, tries=2, concurrency=4)
        with pytest.raises(GeniusBenchError, match="in a row failed; the first: ") as caught:
            compare(judge, questions(500), silent)
    assert len(server.prompts) <= 2 * FAILURES_IN_A_ROW + 8
    assert "\n" not in str(caught.value)


def test_an_outage_in_the_middle_keeps_what_was_paid_for(tmp_path: Path) -> None:
    with serve(fair, faults=[*[None] * 30, *["500"] * 1000]) as server:
        with pytest.raises(GeniusBenchError, match="30 judgements are kept, run again to continue"):
            compare(judge_at(server.url, tmp_path, tries=1, concurrency=4), questions(100), silent)
        served = len(server.answered)
    assert served == 30
    with serve(fair) as server:
        judge_elsewhere = judge_at(server.url, tmp_path)
        compare(judge_elsewhere, questions(100), silent)
        assert len(server.prompts) == 200  # another address is another judge


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    judge = judge_at("http://127.0.0.1:9/v1", tmp_path, tries=2)
    with pytest.raises(GeniusBenchError, match=r"judge loopback: every request failed.*127\.0\.0\.1:9"):
        compare(judge, questions(2), silent)


def test_newer_models_know_another_name_for_the_limit(tmp_path: Path) -> None:
    complaint = "400 Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    with serve(fair, faults=[complaint] * 3) as server:
        found = compare(judge_at(server.url, tmp_path, concurrency=3, max_tokens=77), questions(4), silent)
    assert all(one.failures == 0 for one in found)
    assert server.bodies[-1]["max_completion_tokens"] == 77
    assert "max_tokens" not in server.bodies[-1]


def test_what_is_sent(tmp_path: Path) -> None:
    with serve(fair) as server:
        judge = judge_at(server.url, tmp_path, temperature=0.3, max_tokens=9, both_orders=False)
        compare(judge, questions(1), silent)
    assert server.bodies[0] | {"messages": []} == {
        "model": "loopback",
        "temperature": 0.3,
        "max_tokens": 9,
        "messages": [],
    }
    assert "question 0" in server.prompts[0][0]["content"]


def test_at_most_so_many_requests_at_a_time(tmp_path: Path) -> None:
    now, most = [0], [0]

    def slow(messages: Messages) -> str:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.02)
        now[0] -= 1
        return fair(messages)

    with serve(slow) as server:
        compare(judge_at(server.url, tmp_path, concurrency=3), questions(15), silent)
    assert most[0] == 3


def test_equal_prompts_are_asked_once(tmp_path: Path) -> None:
    with serve(fair) as server:
        compare(judge_at(server.url, tmp_path), questions(1) * 5, silent)
        assert len(server.prompts) == 2


def test_the_key_never_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server echoes it wherever it can: in an answer, in an error, in broken JSON."""
    monkeypatch.setenv("JUDGE_KEY", KEY)
    lines: list[str] = []
    with serve(lambda messages: f"{KEY}\nVerdict: A=B", faults=[f"500 {KEY}", f"400 {KEY}"]) as server:
        judge = judge_at(server.url, tmp_path, key_variable="JUDGE_KEY", concurrency=1)
        found = compare(judge, questions(2), lines.append)
        assert server.keys[0] == f"Bearer {KEY}"
    with serve(fair, faults=itertools.repeat(f"401 {KEY}")) as server:
        judge = judge_at(server.url, tmp_path, key_variable="JUDGE_KEY")
        with pytest.raises(GeniusBenchError, match=r"\$JUDGE_KEY, which is set") as caught:
            compare(judge, questions(2), lines.append)
    captured = capsys.readouterr()
    stored = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    shown = [
        repr(found),
        repr(judge.identity),
        judge.name,
        str(caught.value),
        captured.out,
        captured.err,
        *lines,
    ]
    assert "***" in stored
    assert KEY not in stored + "".join(shown) + "".join(str(path) for path in tmp_path.rglob("*"))


def test_no_key_no_header(tmp_path: Path) -> None:
    assert "NO_SUCH_KEY" not in os.environ
    with serve(fair) as server:
        judge = judge_at(server.url, tmp_path, key_variable="NO_SUCH_KEY", both_orders=False)
        compare(judge, questions(1), silent)
    assert server.keys == [""]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host/v1", "host:80/v1", "file:///etc/passwd", "http://", "http:///v1", "x", "http://a:b/v1"),
        *("https://user:hunter2@host/v1", "https://host/v1?key=hunter2", "https://host/v1#hunter2"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        judge_at(url, tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_model_no_judge(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"evaluation\.judge\.model"):
        open_judge(JudgeSection(), tmp_path, EngineSection())
