"""A sequence of tokens split into the answers of two requests, against an engine that is asked twice."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genius_bench.engines.continuing import Continuing, completions_of
from genius_bench.engines.interface import Completion, Continuation, Request
from genius_bench.engines.stopping import Stopping
from tests.sampling.scripted import CharacterTokenizer, ScriptedEngine

END = CharacterTokenizer.eos_token_id
PROMPT = tuple(map(ord, "?"))
STOPPING = Stopping(CharacterTokenizer(), frozenset({END}))


def request_of(limit: int, stop: str, then_limit: int, then_stop: str) -> Request:
    then = Continuation(
        max_tokens=then_limit, seed=2, temperature=1.0, stop=(then_stop,) if then_stop else ()
    )
    return Request(prompt_ids=PROMPT, max_tokens=limit, seed=1, temperature=0.6, stop=(stop,), then=then)


def asked_twice(text: str, request: Request) -> Completion:
    """By an engine that never goes on by itself."""
    engine = ScriptedEngine(lambda so_far, _: (text[len(so_far) - 1 :], -0.5))
    first = asyncio.run(engine.generate(request))
    if first.finish_reason != "stop" or not first.text.strip():
        return first
    assert request.then is not None
    second = Request(prompt_ids=request.prompt_ids + first.token_ids, **vars(request.then))
    return replace(first, then=asyncio.run(engine.generate(second)))


@given(
    text=st.text("ab \n", max_size=24),
    limit=st.integers(1, 12),
    stop=st.sampled_from(["\n", "a", "a\n", "b "]),
    then_limit=st.integers(1, 12),
    then_stop=st.sampled_from(["", "b", "\n"]),
)
@example(text="ab\n", limit=12, stop="\n", then_limit=5, then_stop="")  # nothing but the end is left to say
@example(text="a\nbbbbbb", limit=12, stop="\n", then_limit=3, then_stop="")
def test_one_sequence_holds_what_two_requests_would_have_given(
    text: str, limit: int, stop: str, then_limit: int, then_stop: str
) -> None:
    request = request_of(limit, stop, then_limit, then_stop)
    sequence = [*map(ord, text), END]
    found = completions_of(sequence, [-0.5] * len(sequence), Continuing(request, STOPPING))
    assert found == asked_twice(text, request)

    growing, watched = [], Continuing(request, STOPPING)
    for token in sequence:
        growing.append(token)
        moment = watched.look(growing)
        assert watched.look(growing) == ("goes on" if moment == "turns" else moment), "shown again"
        assert (moment == "turns") == (found.then is not None and len(growing) == len(found.token_ids))
        if moment == "is over":
            break
    assert len(growing) == len(found.token_ids) + (len(found.then.token_ids) if found.then else 0)


def test_what_the_context_cuts_off() -> None:
    request = request_of(10, "\n", 10, "")
    whole = [*map(ord, "ab\ncd")]
    within_second = completions_of(whole, [-0.5] * 5, Continuing(request, STOPPING))
    assert (within_second.finish_reason, within_second.text) == ("stop", "ab")
    assert within_second.then is not None
    assert (within_second.then.finish_reason, within_second.then.text) == ("length", "cd")
    at_the_turn = completions_of(whole[:3], [-0.5] * 3, Continuing(request, STOPPING))
    assert (at_the_turn.finish_reason, at_the_turn.then) == ("stop", None)
    within_first = completions_of(whole[:2], [-0.5] * 2, Continuing(request, STOPPING))
    assert (within_first.finish_reason, within_first.then) == ("length", None)


@pytest.mark.parametrize("blank", ["\n", "  \n"])
def test_it_does_not_go_on_from_nothing(blank: str) -> None:
    sequence = [*map(ord, blank + "ab\n"), END]
    found = completions_of(
        sequence, [-0.5] * len(sequence), Continuing(request_of(10, "\n", 10, ""), STOPPING)
    )
    assert (found.token_ids, found.then) == (tuple(map(ord, blank)), None)
