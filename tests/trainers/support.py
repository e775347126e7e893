"""Runs a method on one query against a scripted policy."""

import asyncio
from collections.abc import Sequence
from typing import Any

from genius_bench.method import Collected, Method
from genius_bench.rows import Message, Query
from genius_bench.sampling.policy import Policy
from tests.sampling.scripted import CharacterTokenizer, Script, ScriptedEngine

PROMPT = "Question: ?\n\nAnswer:"

FEW: dict[str, dict[str, Any]] = {
    "lmsi": {"responses": 6},
    "meta-rewarding": {"responses": 3, "judgements": 3},
    "rest-em": {"responses": 8, "keep": 2},
    "self-explore": {"responses": 6, "explorer": "base"},
}
"""Options of methods that ask for hundreds of responses by default, where a rule shows with fewer."""


def ask(reference: str | None = None, answer: str | None = None, number: int = 0) -> Query:
    messages = (Message(role="user", content="?"),)
    return Query(id=f"q{number}", messages=messages, reference=reference, answer=answer)


def collect(
    method: type[Method],
    script: Script,
    query: Query | None = None,
    *,
    seed: int = 0,
    iteration: int = 1,
    earlier: Sequence[Collected] = (),
    **options: Any,
) -> tuple[Collected, ScriptedEngine]:
    engine = ScriptedEngine(script)
    policy = Policy(engine, seed, iteration)
    policy.earlier = tuple(earlier)
    return asyncio.run(method(method.Options(**options)).collect(query or ask(), policy)), engine


def text_of(token_ids: tuple[int, ...]) -> str:
    return CharacterTokenizer().decode(list(token_ids))


def in_turn(*responses: str) -> Script:
    """A policy that says these one after the other, whatever it is asked."""
    waiting = list(responses)
    return lambda text, random: (waiting.pop(0), -0.5)
