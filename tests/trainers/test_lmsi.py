"""LMSI: who votes, what is imitated, and after which prompts."""

from typing import Any

import numpy as np

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, Message, Query
from tests.trainers.support import PROMPT, ask, collect, in_turn, text_of
from trainers.lmsi import LMSI, LmsiOptions
from trainers.scpo import ScPO

STEPWISE = PROMPT.replace("?", "?\nLet's think step by step.")
ALONE = PROMPT.replace("?", "?\nGive the answer alone.")


def pairs_of(collected: Collected) -> list[tuple[str, str]]:
    """(prompt, response) of every row."""
    rows = [row for row in collected.rows if isinstance(row, Demonstration)]
    assert {row.weight for row in rows} <= {1.0}
    return [(text_of(row.prompt_ids), text_of(row.response_ids)) for row in rows]


def test_all_who_agree_are_imitated_after_the_plain_query_not_after_the_prompt_they_were_drawn_with() -> None:
    said = in_turn("One. The answer is 3.", "answer: 4", "Two.\n#### 3", "hm")
    collected, engine = collect(LMSI, said, responses=4)
    assert {text_of(request.prompt_ids) for request in engine.requests} == {STEPWISE}
    assert {(request.temperature, request.top_p) for request in engine.requests} == {(0.7, 1.0)}
    assert pairs_of(collected) == [
        (PROMPT, "One. The answer is 3."),
        (PROMPT, "Two.\n#### 3"),
        (ALONE, " The answer is 3."),
        (ALONE, " The answer is 3."),
    ]
    assert all(row.response_ids[-1] == 1 for row in collected.rows if isinstance(row, Demonstration))
    assert collected.notes == {"unusable": 0, "unparsable": 1, "outvoted": 1}


def test_only_those_that_state_an_answer_vote() -> None:
    """Clusters of what says nothing would outvote both."""
    said = ["hm", "hm", "hm", "hm", "The answer is 3.", "#### 3", "#### 4"]
    collected, _ = collect(LMSI, in_turn(*said), responses=7, formats="paths")
    assert [response for _, response in pairs_of(collected)] == ["The answer is 3.", "#### 3"]
    silent, engine = collect(LMSI, in_turn(*["hm"] * 32))
    assert silent == Collected(rows=[], notes={"unusable": 0, "unparsable": 32, "no_majority": 1})
    assert len(engine.requests) == 32


def test_a_tie_is_no_majority() -> None:
    collected, _ = collect(LMSI, in_turn("#### 3", "#### 4", "#### 5", "#### 4", "#### 3"), responses=5)
    assert (collected.rows, collected.notes["no_majority"]) == ([], 1)


def test_examples_come_before_the_query_and_bring_two_formats_more() -> None:
    example = {"question": "1+1?", "reasoning": "One and one. The answer is 2.", "answer": "The answer is 2."}
    settings: dict[str, Any] = {"responses": 1, "examples": [example], "instruction": ""}
    collected, engine = collect(LMSI, in_turn("So. The answer is 3."), **settings)
    reasoned = f"Question: 1+1?\n\nAnswer: One and one. The answer is 2.\n\n{PROMPT}"
    answered = f"Question: 1+1?\n\nAnswer: The answer is 2.\n\n{PROMPT}"
    assert [text_of(request.prompt_ids) for request in engine.requests] == [reasoned]
    assert pairs_of(collected) == [
        (PROMPT, "So. The answer is 3."),
        (ALONE, " The answer is 3."),
        (reasoned, "So. The answer is 3."),
        (answered, " The answer is 3."),
    ]
    paths, _ = collect(LMSI, in_turn("So. The answer is 3."), formats="paths", **settings)
    assert pairs_of(paths) == [(PROMPT, "So. The answer is 3.")]


def test_examples_stand_behind_a_system_message() -> None:
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="?"))
    example = {"question": "1+1?", "reasoning": "2", "answer": "2"}
    _, engine = collect(
        LMSI,
        in_turn("#### 3"),
        Query(id="q", messages=turns),
        responses=1,
        examples=[example],
        instruction="",
    )
    assert text_of(engine.requests[0].prompt_ids) == f"Be brief.\n\nQuestion: 1+1?\n\nAnswer: 2\n\n{PROMPT}"


def test_the_original_formats_have_their_instruction_with_the_path_alone() -> None:
    resolved = resolve({"method": "lmsi", "variant": "original", "model": "other"})
    options = LmsiOptions(**resolved.recipe.sampling | {"responses": 1})
    collected, _ = collect(LMSI, in_turn("So. The answer is 3."), **options.model_dump())
    assert pairs_of(collected) == [(STEPWISE, "So. The answer is 3."), (PROMPT, " The answer is 3.")]


def test_without_instruction_and_examples_it_is_given_what_other_methods_are_given() -> None:
    def any_answer(text: str, random: np.random.Generator) -> tuple[str, float]:
        return f"The answer is {random.integers(3)}.", -0.5

    settings: dict[str, Any] = {"responses": 6, "temperature": 0.7, "top_p": 0.9}
    _, engine = collect(LMSI, any_answer, ask(), instruction="", **settings)
    _, others = collect(ScPO, any_answer, ask(), hot_pool="never", **settings)
    assert engine.requests == others.requests
