"""The auditor, held against rollouts that were judged by hand."""

import random
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.online.audit import audit, audited

from .support import QUERIES, learn, queries


def rollouts(step: int, query: str, *said: tuple[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "step": step,
            "query_id": query,
            "text": f"The answer is {answer}." if answer else "Hm.",
            "reward": reward,
        }
        for answer, reward in said
    ]


ROWS = [
    # right by majority; the third response is rewarded and wrong
    *rollouts(1, "a", ("4", 1), ("4", 1), ("5", 1), ("", 0)),
    # a tie, one of them right
    *rollouts(1, "b", ("7", 0), ("8", 0), ("", 0), ("", 0)),
    # nobody knows its answer
    *rollouts(1, "c", ("1", 1), ("1", 1), ("1", 1), ("1", 1)),
    # now wrong
    *rollouts(2, "a", ("5", 1), ("5", 1), ("5", 1), ("4", 0)),
    # now right
    *rollouts(2, "b", ("8", 1), ("8", 1), ("8", 1), ("8", 1)),
]
GOLD = {"a": "4", "b": "8"}


def test_lines_are_those_counted_by_hand() -> None:
    first, second = audited(ROWS, GOLD)
    assert first == {
        "step": 1,
        "label_accuracy": 0.5,
        "right": 3 / 8,
        "pass_at_group": 1.0,
        # of a: 1, 1, wrong, 1; of b: 1, wrong (8 is right and gets 0), 1, 1
        "reward_accuracy": 6 / 8,
        # a: 2 right ones against "5" (tie) and "" (won): 2·½ + 2·1 of 4; b: "8" against three: ties
        "reward_ranks_right": pytest.approx((3 + 1.5) / 7),
        "right_to_wrong": 0,
        "wrong_to_right": 0,
    }
    assert (second["right_to_wrong"], second["wrong_to_right"]) == (1, 1)
    assert second["label_accuracy"] == 0.5
    assert second["reward_accuracy"] == 4 / 8


def test_rewards_that_are_no_verdicts_have_no_accuracy_but_a_rank() -> None:
    [line] = audited(rollouts(1, "a", ("4", -0.2), ("5", -0.9)), GOLD)
    assert "reward_accuracy" not in line
    assert line["reward_ranks_right"] == 1.0


def test_shuffled_gold_answers_change_the_audit_and_nothing_else(store: Store, llama: Path) -> None:
    """One checkpoint, found the second time; two audits."""
    answers = [f"w{number}" for number in range(QUERIES)]
    shuffled = queries(random.Random(1).sample(answers, QUERIES))
    one = learn(store, llama, corpus=queries(answers))
    two = learn(store, llama, corpus=shuffled)
    assert two.key == one.key
    assert two.reused
    audits = [audit(store, one, corpus) for corpus in (queries(answers), shuffled)]
    assert audits[0] is not None
    assert audits[1] is not None
    assert audits[0].key != audits[1].key
