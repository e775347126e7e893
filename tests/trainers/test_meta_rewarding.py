"""Meta-Rewarding: pairs of responses under length control, pairs of judgements by meta-judgements."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from genius_bench.method import Collected
from genius_bench.rows import PreferencePair
from genius_bench.sampling.judging import additive_prompt
from tests.sampling.scripted import Script, ScriptedEngine
from tests.trainers.support import PROMPT, ask, collect, text_of
from trainers.meta_rewarding import MetaRewarding

Prefers = Callable[[str, str], str]


def policy(judged: dict[str, list[str]], prefers: Prefers) -> Script:
    """Says the responses that `judged` names in turn, judges each as written there, and compares two judgements."""
    waiting, judgements = list(judged), {response: list(said) for response, said in judged.items()}

    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        if "Two judges" in text:
            first, second = (
                text.partition(f"<judgement_{name}>\n")[2].partition(f"\n</judgement_{name}>")[0]
                for name in "ab"
            )
            return f"Winner: {prefers(first, second)}", -0.5
        if "Judge" in text:
            return judgements[next(one for one in judged if f"\n{one}\n" in text)].pop(0), -0.125
        return waiting.pop(0), -0.5

    return script


def fair(first: str, second: str) -> str:
    """A judgement is the better the more exclamation marks it has."""
    return "A" if first.count("!") > second.count("!") else "B"


def run(
    judged: dict[str, list[str]], prefers: Prefers = fair, iteration: int = 1, **options: Any
) -> tuple[Collected, ScriptedEngine]:
    settings = {"responses": len(judged), "judgements": len(next(iter(judged.values())))} | options
    return collect(MetaRewarding, policy(judged, prefers), ask(), iteration=iteration, **settings)


def pairs(collected: Collected) -> dict[str, tuple[str, str]]:
    return {
        row.id.partition("/")[2]: (text_of(row.chosen_ids), text_of(row.rejected_ids))
        for row in collected.rows
        if isinstance(row, PreferencePair)
    }


AGREED = {
    "a longer one": ["Score: 5"],
    "short": ["Score: 4.9"],
    "bad": ["Score: 1"],
    "bad and long": ["Score: 1.1"],
}
DISPUTED = {
    "agreed": ["Score: 4", "so Score: 4", "Score: 4"],
    "disputed": ["!! Score: 1", "Score: 5", "!!! Score: 0"],
}


def test_the_actor_prefers_the_shortest_of_the_best_to_the_longest_of_the_worst() -> None:
    collected, engine = run(AGREED, length_control=0.1)
    assert pairs(collected) == {"actor": ("short", "bad and long")}
    assert pairs(run(AGREED, length_control=0.0)[0]) == {"actor": ("a longer one", "bad")}
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert text_of(row.prompt_ids) == PROMPT
    assert row.reference_rejected_logp == pytest.approx(-0.5 * len(row.rejected_ids))
    assert {(one.temperature, one.top_p) for one in engine.requests[:4]} == {(0.8, 0.95)}


def test_scores_are_means_of_the_judgements_that_can_be_read() -> None:
    said = {"one": ["Score: 5", "hm", "Score: 3"], "two": ["Score: 3", "Score: 3", "?"]}
    collected, _ = run(said, judge_rounds=0)
    assert pairs(collected) == {"actor": ("one", "two")}
    assert collected.notes == {"ties": 0, "invalid_judgements": 2}
    assert collected.trace[0] == {"response": "one", "scores": [5.0, None, 3.0]}


def test_equal_scores_make_no_actor_pair() -> None:
    collected, _ = run({"one": ["Score: 3"], "two": ["Score: 3"]})
    assert (collected.rows, collected.notes["ties"], collected.notes["no_judge_pair"]) == ([], 1, 1)
    assert run({"same": ["Score: 3"]})[0].notes == {"too_few_responses": 1}


def test_the_judge_prefers_its_best_to_its_worst_judgement_of_the_most_disputed_response() -> None:
    collected, engine = run(DISPUTED)
    assert pairs(collected)["judge"] == ("!!! Score: 0", "Score: 5")
    row = collected.rows[-1]
    assert isinstance(row, PreferencePair)
    assert text_of(row.prompt_ids) == f"Question: {additive_prompt('?', 'disputed')}\n\nAnswer:"
    assert row.reference_chosen_logp == pytest.approx(-0.125 * len(row.chosen_ids))
    compared = [text for one in engine.requests if "Two judges" in (text := text_of(one.prompt_ids))]
    assert len(set(compared)) == len(compared) == 3 * 2, "every two in both orders"
    assert all("disputed" in text and "agreed" not in text for text in compared)


def test_whoever_wins_by_place_alone_wins_nothing() -> None:
    for place in "AB":
        collected, _ = run(DISPUTED, lambda first, second, place=place: place)  # type: ignore[misc]
        assert list(pairs(collected)) == ["actor"]
        assert collected.notes["no_judge_pair"] == 1


def test_exchanging_who_is_better_exchanges_the_pair() -> None:
    unfair: Prefers = lambda first, second: "B" if fair(first, second) == "A" else "A"  # noqa: E731
    assert pairs(run(DISPUTED, unfair)[0])["judge"] == pairs(run(DISPUTED)[0])["judge"][::-1]


def test_the_pair_of_judgements_does_not_hang_on_their_order() -> None:
    equal = {"agreed": ["Score: 4"] * 4, "disputed": ["!! Score: 1", "Score: 5", "Score: 0", "Score: 2 !!"]}
    for judged in (DISPUTED, equal):
        turned = {response: said[::-1] for response, said in judged.items()}
        there, back = pairs(run(turned)[0]), pairs(run(judged)[0])
        assert there == back
        assert "judge" in there, "also where two are equally good"


def test_unreadable_repeated_and_overlong_judgements_are_not_preferred() -> None:
    said = {"disputed": ["!!!! hm", "! Score: 5", "! Score: 5", "Score: 0"], "other": ["Score: 4"] * 4}
    collected, engine = run(said)
    assert pairs(collected)["judge"] == ("! Score: 5", "Score: 0")
    assert sum("Two judges" in text_of(one.prompt_ids) for one in engine.requests) == 2
    assert list(pairs(run(said, longest_judgement=8)[0])) == ["actor"]


def test_later_rounds_train_the_actor_alone() -> None:
    for iteration, kinds in ((2, ["actor", "judge"]), (3, ["actor"])):
        collected, engine = run(DISPUTED, iteration=iteration)
        assert list(pairs(collected)) == kinds
        assert any("Two judges" in text_of(one.prompt_ids) for one in engine.requests) == (iteration < 3)
