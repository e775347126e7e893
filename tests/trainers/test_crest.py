"""CREST: whom follow-up questions are asked, how replies are read, what is imitated and what is preferred."""

from typing import Any

import numpy as np
import pytest

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, Message, PreferencePair, Query
from genius_bench.sampling.follow_ups import choice_of, rationale_of, read_verdict
from tests.trainers.support import collect, text_of
from trainers.crest import CREST

QUESTION = "Which one is it?\nA. red\nB. blue\nC. green"


def query(text: str = QUESTION, answer: str | None = "B", number: int = 0) -> Query:
    return Query(id=f"q{number}", messages=(Message(role="user", content=text),), answer=answer)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Yes.", True),
        ("Yes, nothing speaks against it.", True),
        ("No", False),
        (" no, it is not", False),
        ("the correct answer", True),
        ("not the correct answer.", False),
        ("(B) is not correct", False),
        ("It isn't the right one.", False),
        ("incorrect", False),
        ("That would be wrong.", False),
        ("not incorrect", True),
        ("a notable choice, and the correct one", True),
        ("There is nothing wrong with it.", True),
        ("Nothing here makes it correct.", False),
        ("Note that another option fits: correct", True),
        ("It cannot be. False.", False),
        ("The knot is tied.", None),
        ("nothing", None),
        ("notable", None),
        ("", None),
    ],
)
def test_replies_are_read_by_words(reply: str, verdict: bool | None) -> None:
    """The original looks for the letters "not" anywhere: "notable" and "nothing wrong" deny there."""
    assert read_verdict(reply) is verdict


@pytest.mark.parametrize(
    ("text", "answer", "options", "gold"),
    [
        (QUESTION, "B", {"A": "red", "B": "blue", "C": "green"}, "B"),
        ("Pick.\n(A) 3 apples\n(B) 4, or 5", "The answer is A.", {"A": "3 apples", "B": "4, or 5"}, "A"),
        ("Pick.\nOptions: dark red (A), blue (B).", "A", {"A": "dark red", "B": "blue"}, "A"),
        ("Is it so?", "No", {"Yes": "Yes", "No": "No"}, "No"),
    ],
)
def test_options_are_those_that_the_query_lists(
    text: str, answer: str, options: dict[str, str], gold: str
) -> None:
    choice = choice_of(query(text, answer))
    assert choice is not None
    assert (choice.options, choice.gold) == (options, gold)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("How many?", "7"), ("B. blue only", "B"), (QUESTION, "D"), (QUESTION, "blue"), ("f(A) = g(C)", "A")],
)
def test_other_queries_have_no_options(text: str, answer: str) -> None:
    assert choice_of(query(text, answer)) is None


def test_a_rationale_is_what_stands_before_the_answer() -> None:
    assert rationale_of("It is dark.\nSo blue.\nThe answer is B.\n") == "It is dark.\nSo blue."
    assert rationale_of("The answer is B.") == "The answer is B."


def asked(rationales: dict[str, str], *responses: str) -> Any:
    """Says `responses` in turn, and to follow-up questions below a rationale what is written for it: a letter an
    option, y, n or ?"""
    waiting = list(responses)

    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        if "Say Yes or No." not in text:
            return waiting.pop(0), -0.5
        rationale = text.partition("Reasoning:\n")[2].partition("\n\n")[0]
        option = next(place for place, name in enumerate("ABC") if f"({name}) the correct" in text)
        return {"y": "Yes.", "n": "No.", "?": "Who knows?"}[rationales[rationale][option]], -0.5

    return script


SAID = [f"{name}\nThe answer is {answer}." for name, answer in zip("pqrst", "BBBAC", strict=True)]
RATED = {"p": "nyn", "q": "yyn", "r": "?ny"}
"""Of B being right, their verdicts are true 3, 2 and 0 times."""


def rated(**options: Any) -> Collected:
    return collect(CREST, asked(RATED, *SAID), query(), responses=5, **options)[0]


def test_right_rationales_alone_are_asked_about_every_option_without_their_answer() -> None:
    collected, engine = collect(CREST, asked(RATED, *SAID), query(), responses=5)
    follow_ups = [request for request in engine.requests if request.temperature == 0]
    assert len(follow_ups) == 3 * 3
    prompts = [text_of(request.prompt_ids) for request in follow_ups]
    assert all(QUESTION in prompt and "The answer is" not in prompt for prompt in prompts)
    assert sorted({prompt.partition("Reasoning:\n")[2][0] for prompt in prompts}) == ["p", "q", "r"]
    assert sum("is blue (B) the correct answer?" in prompt for prompt in prompts) == 3
    assert [score for _, score in collected.trace["right"]] == [3, 2, 0]
    assert len(collected.trace["wrong"]) == 2
    drawn = [request for request in engine.requests if request.temperature]
    assert {(request.temperature, request.top_p) for request in drawn} == {(0.8, 0.95)}


@pytest.mark.parametrize(("tolerance", "kept"), [(0, "p"), (1, "pq"), (2, "pq"), (3, "pqr")])
def test_rationales_are_imitated_up_to_the_tolerance(tolerance: int, kept: str) -> None:
    collected = rated(tolerance=tolerance)
    texts = [text_of(row.response_ids) for row in collected.rows if isinstance(row, Demonstration)]
    assert "".join(text[0] for text in texts) == kept
    assert collected.notes["inconsistent"] == 3 - len(kept)


def pairs(pairs: int, consistent: float, seed: int = 0, iteration: int = 2) -> list[str]:
    collected, engine = collect(
        CREST,
        lambda text, random: ("", 0.0),
        query(),
        seed=seed,
        iteration=iteration,
        earlier=[rated(), Collected(rows=[])][: iteration - 1],
        max_pairs=pairs,
        consistent=consistent,
    )
    assert engine.requests == [], "they were judged before"
    rows = [row for row in collected.rows if isinstance(row, PreferencePair)]
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.reference_chosen_logp is None for row in rows)
    return [text_of(row.chosen_ids)[0] + text_of(row.rejected_ids)[0] for row in rows]


def test_pairs_are_a_mixture_by_consistency_and_by_answer() -> None:
    by_consistency, by_answer = {"pq", "pr", "qr"}, {"ps", "pt", "qs", "qt", "rs", "rt"}
    assert set(pairs(9, 1.0)) == by_consistency
    assert set(pairs(9, 0.0)) == by_answer
    mixed = pairs(5, 0.6)
    assert [pair in by_consistency for pair in mixed] == [True] * 3 + [False] * 2
    assert len({*mixed} & by_answer) == 2
    assert len({tuple(pairs(2, 0.5, seed)) for seed in range(20)}) > 5, "drawn by the query's seed"


def test_later_rounds_train_the_same_pairs_against_a_reference_that_moves() -> None:
    assert pairs(5, 0.6, iteration=3) == pairs(5, 0.6)
    resolved = resolve({"method": "crest", "model": "other"})
    settings = [resolved.settings_of(iteration) for iteration in range(1, resolved.method.iterations + 1)]
    assert [objective.name for objective, _ in settings] == ["sft", *["dpo"] * 4]
    assert [training.learning_rate for _, training in settings] == [2e-6, *[5e-7] * 4]
    assert {training.reference for _, training in settings[1:]} == {"recompute"}
    assert not any(resolved.method.restarts_from_base(iteration) for iteration in range(1, 6))


def test_without_options_answers_alone_count() -> None:
    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        return f"The answer is {random.integers(2)}.", -0.5

    first, engine = collect(CREST, script, query("How many?", "1"), tolerance=0)
    assert len(engine.requests) == 16
    assert [text_of(row.response_ids) for row in first.rows] == ["The answer is 1.\x01"[:-1]]  # type: ignore[union-attr]
    second, _ = collect(CREST, script, query("How many?", "1"), iteration=2, earlier=[first])
    assert len(second.rows) == 1
    lost, _ = collect(CREST, script, query("How many?", "1"), iteration=2, earlier=[Collected(rows=[])])
    assert lost.notes == {"no_contrast": 1}
