"""Nothing is spent that was not announced, or that the recipe forbids."""

from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.judging.comparison import compare
from genius_bench.judging.cost import estimate
from genius_bench.layers import validate
from genius_bench.recipe import JudgeSection
from genius_bench.rows import Message
from tests.judging.cases import judge_at, questions, silent
from tests.judging.loopback import Messages, serve

PRICES = {"input_price": 2.0, "output_price": 10.0, "max_tokens": 1000}


def fair(messages: Messages) -> str:
    return "Verdict: A=B"


def test_an_estimate_by_hand() -> None:
    prompts = [[Message(role="user", content="x" * 4000)], [Message(role="user", content="é" * 2000)]]
    expected = estimate(prompts, JudgeSection(model="m", input_price=2, output_price=10, max_tokens=500))
    assert (expected.calls, expected.prompt_tokens, expected.completion_tokens) == (2, 2000, 1000)
    assert expected.cost == pytest.approx(0.004 + 0.01)
    assert estimate(prompts, JudgeSection(model="m", input_price=2)).cost is None


def test_only_missing_judgements_are_announced(tmp_path: Path) -> None:
    lines: list[str] = []
    with serve(fair) as server:
        compare(judge_at(server.url, tmp_path, **PRICES), questions(3), lines.append)
        compare(judge_at(server.url, tmp_path, **PRICES), questions(5), lines.append)
        compare(judge_at(server.url, tmp_path, **PRICES), questions(5), lines.append)
    assert len(lines) == 2
    assert "6 judgements" in lines[0]
    assert "at most 6,000 completion tokens" in lines[0]
    assert "4 judgements" in lines[1]
    assert all("bytes / 4" in line and "currency" in line and "\n" not in line for line in lines)


def test_too_expensive_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with serve(fair) as server:
        judge = judge_at(server.url, tmp_path, max_cost=0.05, **PRICES)
        compare(judge, questions(2), silent)  # at most about 0.04
        with pytest.raises(InputError, match=r"evaluation\.judge\.max_cost = 0\.05: raise it") as caught:
            compare(judge, questions(10), silent)
        assert "\n" not in str(caught.value)
        assert len(server.prompts) == 4
        compare(judge, questions(2), silent)  # paid for already


def test_what_was_spent_counts_towards_the_limit(tmp_path: Path) -> None:
    """Each call alone would be allowed."""
    with serve(lambda messages: "word " * 2000 + "\nVerdict: A=B") as server:
        judge = judge_at(server.url, tmp_path, max_cost=0.05, **PRICES)
        compare(judge, questions(2), silent)
        with pytest.raises(InputError, match="max_cost"):
            compare(judge, questions(2, "another answer"), silent)


def test_a_limit_needs_prices_and_a_url_a_name() -> None:
    with pytest.raises(InputError, match="max_cost needs input_price and output_price"):
        validate(JudgeSection, {"model": "loopback", "max_cost": 1.0}, "evaluation.judge")
    with pytest.raises(InputError, match="needs the judge's name"):
        validate(JudgeSection, {"url": "http://127.0.0.1:1/v1"}, "evaluation.judge")
