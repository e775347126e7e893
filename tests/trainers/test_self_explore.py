"""Self-Explore: where a wrong answer is lost, and what is preferred to the step that loses it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, PreferencePair
from tests.sampling.scripted import ScriptedEngine
from tests.trainers.support import PROMPT, ask, collect, in_turn, text_of
from trainers.self_explore import SelfExplore

STEPS = ("a1\n", "a2\n", "a3\n", "a4\n", "The answer is 9.")
PREFIXES = tuple("".join(STEPS[:count]) for count in range(1, 6))
WRONG = PREFIXES[-1]
RIGHT = "b1\nThe answer is 12."
LOST = ("9", "9", "15", "8")
DETOURS = ("", "so and so\n", "so\n", "well, then\n")


def explored(
    answers: Mapping[str, Sequence[str]], *drawn: str, **options: Any
) -> tuple[Collected, ScriptedEngine]:
    """`answers` has what the four completions from behind a prefix come to, the first of them without a detour."""
    waiting = list(drawn or (RIGHT, WRONG))
    left = {prefix: list(zip(DETOURS, said, strict=True)) for prefix, said in answers.items()}

    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        prefix = text.removeprefix(PROMPT)
        if not prefix:
            return waiting.pop(0), -0.5
        detour, answer = left[prefix].pop(0)
        return f"{detour}The answer is {answer}.", -0.25

    settings: dict[str, Any] = {"explorer": "base", "responses": len(waiting)}
    return collect(SelfExplore, script, ask(answer="12"), **settings | options)


def pairs(collected: Collected) -> list[tuple[str, str, str]]:
    """(what the prompt holds behind the query, chosen, rejected)."""
    rows = [row for row in collected.rows if isinstance(row, PreferencePair)]
    return [
        (text_of(row.prompt_ids).removeprefix(PROMPT), text_of(row.chosen_ids), text_of(row.rejected_ids))
        for row in rows
    ]


def test_the_first_pit_is_the_step_from_behind_which_nobody_finds_the_answer() -> None:
    said = [("12", "15", "12", "9"), ("9", "12", "12", "15"), LOST]
    collected, engine = explored(dict(zip(PREFIXES, said, strict=False)))
    assert pairs(collected) == [("a1\na2\n", "so\nThe answer is 12.", "a3\n")], (
        "the shortest right completion"
    )
    asked = [text_of(one.prompt_ids).removeprefix(PROMPT) for one in engine.requests[2:]]
    assert asked == [prefix for prefix in PREFIXES[:3] for _ in range(4)], (
        "nothing is drawn from behind the pit"
    )
    assert {(one.temperature, one.top_p) for one in engine.requests} == {(0.7, 1.0)}
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert row.chosen_ids[-1] == 1, "the completion's end is trained"
    assert row.rejected_ids == tuple(map(ord, "a3\n")), "the step alone, and no end of the sequence"
    assert row.reference_chosen_logp == pytest.approx(-0.25 * len(row.chosen_ids))
    assert row.reference_rejected_logp == pytest.approx(-0.5 * 3)


def test_a_pit_in_the_first_step_prefers_the_right_response_beside_the_wrong_one() -> None:
    collected, _ = explored({PREFIXES[0]: LOST})
    assert pairs(collected) == [("", RIGHT, "a1\n")]
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert row.reference_chosen_logp == pytest.approx(-0.5 * (len(RIGHT) + 1))


def test_an_answer_that_is_never_lost_makes_no_pair() -> None:
    found = ("9", "12", "9", "9")
    collected, engine = explored(dict.fromkeys(PREFIXES, found))
    assert (collected.rows, collected.notes["no_pit"]) == ([], 1)
    assert len(engine.requests) == 2 + 5 * 4
    few, engine = explored(dict.fromkeys(PREFIXES, found), max_steps=2)
    assert (few.rows, len(engine.requests)) == ([], 2 + 2 * 4)


def test_a_pit_in_the_last_step_is_rejected_without_its_end() -> None:
    found = ("12", "9", "9", "9")
    collected, engine = explored(dict.fromkeys(PREFIXES, found) | {WRONG: LOST})
    assert pairs(collected) == [(PREFIXES[3], "The answer is 12.", "The answer is 9.")]
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert 1 not in row.rejected_ids
    assert 1 not in engine.requests[-1].prompt_ids


def test_right_is_what_equals_the_gold_answer_not_what_is_spelt_like_it() -> None:
    collected, _ = explored({PREFIXES[0]: ("12.0", "9", "9", "9"), PREFIXES[1]: LOST})
    assert pairs(collected) == [("a1\n", "The answer is 12.0.", "a2\n")]


def test_a_completion_is_read_together_with_the_steps_before_it() -> None:
    """It need not repeat the answer that they have found."""
    wrong = "a1\nThe answer is 12.\nNo, the answer is 9."

    def content(text: str, random: np.random.Generator) -> tuple[str, float]:
        prefix = text.removeprefix(PROMPT)
        return ("That is all." if prefix else drawn.pop(0)), -0.5

    drawn = [RIGHT, wrong]
    collected, _ = collect(SelfExplore, content, ask(answer="12"), explorer="base", responses=2)
    assert pairs(collected) == [("", RIGHT, "a1\n")]
    drawn = [RIGHT, wrong.removeprefix("a1\n")]
    collected, _ = collect(SelfExplore, content, ask(answer="12"), explorer="base", responses=2)
    assert pairs(collected) == [("The answer is 12.\n", "That is all.", "No, the answer is 9.")]


def test_a_completion_that_does_not_end_has_not_found_the_answer() -> None:
    limit = len(WRONG) + 1
    said = {PREFIXES[0]: ("12" + "." * limit, "9", "9", "9")}
    assert pairs(explored(said, max_tokens=limit)[0]) == [("", RIGHT, "a1\n")]
    _, engine = explored({PREFIXES[0]: ("12", "9", "9", "9"), PREFIXES[1]: LOST}, max_tokens=limit)
    assert {one.max_tokens + len(one.prompt_ids) for one in engine.requests} == {limit + len(PROMPT)}


def test_no_chosen_and_no_rejected_response_of_a_query_comes_twice() -> None:
    def from_a1_alone(text: str, random: np.random.Generator) -> tuple[str, float]:
        if text == PROMPT:
            return drawn.pop(0), -0.5
        return f"The answer is {12 if text == PROMPT + PREFIXES[0] else 9}.", -0.5

    right = ["b = 1\nThe answer is 12.", "c = 2\nThe answer is 12."]
    for wrong, (prefix, chosen) in {
        ("a1\na2\n9", "a1\nc2\n9"): ("a1\n", "The answer is 12."),  # two pits, one way out
        ("a2\n9", "a2\n8"): ("", None),  # two ways out, one pit
    }.items():
        drawn = [*right, *wrong]
        collected, _ = collect(SelfExplore, from_a1_alone, ask(answer="12"), explorer="base", responses=4)
        [row] = pairs(collected)
        assert row[0] == prefix
        assert row[1] in ([chosen] if chosen else right)
        assert collected.notes["repeated"] == 1


def test_a_query_without_a_right_response_explores_nothing() -> None:
    collected, engine = explored({}, WRONG, WRONG)
    assert (collected.rows, collected.notes["always_wrong"], len(engine.requests)) == ([], 1, 2)


def test_the_explorer_is_made_by_a_round_of_imitation_that_restarts_nothing() -> None:
    said = [f"{number} + 1 = 12\n#### 12" for number in range(12)] + [WRONG] * 3
    collected, engine = collect(SelfExplore, in_turn(*said), ask(answer="12"), responses=15)
    rows = [row for row in collected.rows if isinstance(row, Demonstration)]
    assert len(rows) == len(collected.rows) == 8, "at most eight, each with equations of its own"
    assert len(engine.requests) == 15
    resolved = resolve({"method": "self-explore", "model": "other"})
    (imitation, first), (preference, second) = map(resolved.settings_of, (1, 2))
    assert (imitation.name, preference.name) == ("sft", "dpo")
    assert (first.learning_rate, second.learning_rate) == pytest.approx((2e-6, 5e-7))
    assert not any(map(resolved.method.restarts_from_base, (1, 2)))
    alone = resolve({"method": "self-explore", "variant": "no_rft", "model": "other"})
    assert alone.method.iterations == 1
    assert alone.settings_of(1)[0].name == "dpo"
