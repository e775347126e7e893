"""A judge behind an endpoint: every fault is tried again or told."""

import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from genius_bench.errors import GeniusBenchError
from genius_bench.judging.comparison import compare
from genius_bench.judging.judge import FAILURES_IN_A_ROW
from tests.judging.cases import judge_at, questions, silent
from tests.judging.loopback import Messages, serve


def fair(messages: Messages) -> str:
    return "Both say the same.\nVerdict: A=B"


@pytest.mark.parametrize("fault", ["429", "500", "503", "408", "close", "broken", "empty", "hang"])
def test_faults_are_tried_again(fault: str, tmp_path: Path) -> None:
    with serve(fair, faults=[fault, fault]) as server:
        patience = 1.0 if fault == "hang" else 10.0
        judge = judge_at(server.url, tmp_path, timeout_seconds=patience, both_orders=False)
        found = compare(judge, questions(3), silent)
    assert [one.value for one in found] == [0.5] * 3
    assert [one.failures for one in found] == [0] * 3
    assert len(server.prompts) == 5


def test_all_faults_in_one_run_cost_no_judgement_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    faults = ["429 after 1", "500", "close", "broken", "empty", "hang", None, "500", "close"]
    with serve(fair, faults=faults) as server:
        for _ in range(3):
            found = compare(judge_at(server.url, tmp_path, timeout_seconds=2), questions(20), silent)
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
