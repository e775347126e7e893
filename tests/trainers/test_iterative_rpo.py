"""Iterative RPO: which pairs, at which temperature, against which reference."""

from typing import Any

import pytest

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import PreferencePair
from tests.sampling.scripted import Script
from tests.trainers.support import ask, collect, in_turn, text_of
from trainers.iterative_rpo import IterativeRPO


def says(right: int, wrong: int) -> Script:
    """Right answers a, b, …; wrong ones A, B, …"""
    right_ones = [f"{chr(ord('a') + i)}. The answer is 7." for i in range(right)]
    return in_turn(*right_ones, *(f"{chr(ord('A') + i)}. The answer is 8." for i in range(wrong)))


def pairs(collected: Collected) -> list[str]:
    rows = [row for row in collected.rows if isinstance(row, PreferencePair)]
    return [text_of(row.chosen_ids)[0] + text_of(row.rejected_ids)[0] for row in rows]


def test_pairs_go_through_right_and_wrong_answers_in_turn() -> None:
    """As the paper has it: K pairs, beginning anew at the end of either list; none comes twice."""
    query = ask(answer="7")
    collected, _ = collect(IterativeRPO, says(3, 2), query, responses=5, max_pairs=4)
    assert pairs(collected) == ["aA", "bB", "cA", "aB"]
    collected, _ = collect(IterativeRPO, says(3, 2), query, responses=5, max_pairs=10)
    assert pairs(collected) == ["aA", "bB", "cA", "aB", "bA", "cB"]
    assert collected.notes == {"unusable": 0, "repeated": 4}
    collected, _ = collect(IterativeRPO, says(2, 2), query, responses=4, max_pairs=10)
    assert pairs(collected) == ["aA", "bB"], "lists of equal length meet in one way only"


def test_equal_responses_count_once() -> None:
    said = in_turn(*["a. The answer is 7."] * 3, "A. The answer is 8.")
    assert pairs(collect(IterativeRPO, said, ask(answer="7"), responses=4)[0]) == ["aA"]


def test_queries_without_both_kinds_give_none() -> None:
    assert collect(IterativeRPO, says(4, 0), ask(answer="7"), responses=4)[0].notes["all_right"] == 1
    assert collect(IterativeRPO, says(0, 4), ask(answer="7"), responses=4)[0].notes["all_wrong"] == 1


def test_the_reference_is_what_sampled() -> None:
    """Recorded while sampling, and every round trains the model that has sampled: never the base again."""
    collected, engine = collect(IterativeRPO, says(1, 1), ask(answer="7"), responses=2)
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert row.reference_chosen_logp == pytest.approx(-0.5 * len(row.chosen_ids))
    assert {request.temperature for request in engine.requests} == {0.8}
    resolved = resolve({"method": "iterative-rpo", "model": "other"})
    assert resolved.method.iterations == 4
    for iteration in range(1, 5):
        objective, training = resolved.settings_of(iteration)
        assert ({"name": objective.name} | objective.model_dump()) == {
            "name": "rpo",
            "beta": 0.1,
            "alpha": 1.0,
        }
        assert training.reference == "recorded"
        assert not resolved.method.restarts_from_base(iteration)


def test_later_rounds_are_hotter() -> None:
    def temperatures(iteration: int, **options: Any) -> set[float]:
        _, engine = collect(
            IterativeRPO, says(1, 1), ask(answer="7"), responses=2, iteration=iteration, **options
        )
        return {request.temperature for request in engine.requests}

    assert [temperatures(n) for n in (1, 2, 3, 4)] == [{0.8}, {0.8}, {1.3}, {1.3}]
    assert temperatures(4, temperature_factors=(1.0,)) == {0.8}


def test_the_labelled_solution_stands_last_among_the_right_ones() -> None:
    query = ask(reference="gold. The answer is 7.", answer="7")
    collected, _ = collect(IterativeRPO, says(1, 2), query, responses=3, gold=True)
    assert pairs(collected) == ["aA", " B"], "the gold one begins with a space, as labelled ones do"
    assert [row.reference_chosen_logp is None for row in collected.rows] == [False, True]  # type: ignore[union-attr]
    only_wrong, _ = collect(IterativeRPO, says(0, 2), query, responses=2, gold=True)
    assert pairs(only_wrong) == [" A", " B"]
    resolved = resolve({"method": "iterative-rpo", "model": "other", "variant": "gold"})
    assert resolved.method.needs == {"answers", "references"}
    assert [resolved.settings_of(iteration)[1].reference for iteration in (1, 4)] == ["recompute"] * 2
