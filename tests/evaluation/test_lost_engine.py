"""What becomes of an evaluation when a request ends its worker, and when the engine itself is gone."""

from pathlib import Path

import pytest

from genius_bench.artifacts import Build
from genius_bench.errors import EngineLostError, WorkerKilledError
from genius_bench.evaluation.asking import Asker, LazyEngine, Prompt
from genius_bench.rows import Message
from tests.evaluation.fake_engine import FakeEngine, Script

ITEMS = 20


def ask(build: Build, script: Script) -> list[str]:
    engine = LazyEngine(lambda: FakeEngine(script))
    asker = Asker(engine, build, "task", [f"item {n:02}" for n in range(ITEMS)], 1.0, 8, "asking")
    messages = [(Message(role="user", content=f"number {n:02}"),) for n in range(ITEMS)]
    try:
        return asker([Prompt(n, 0, messages[n], ()) for n in range(ITEMS)])
    finally:
        engine.close()


def test_a_deadly_prompt_is_a_record_and_the_others_are_answered(tmp_path: Path) -> None:
    build = Build(tmp_path)
    deadly = WorkerKilledError("it ended its worker 3 times")
    texts = ask(build, lambda prompt, request: deadly if "number 07" in prompt else "yes")
    assert texts == ["" if n == 7 else "yes" for n in range(ITEMS)]
    errors = {row["id"]: row["error"] for row in build.rows() if row["error"]}
    assert errors == {"item 07/0": "WorkerKilledError: it ended its worker 3 times"}


def test_a_lost_engine_ends_the_evaluation_which_goes_on_later(tmp_path: Path) -> None:
    """Its last errors are no records: nobody could tell them from questions that a model cannot answer."""
    asked: list[str] = []

    def dying(prompt: str, request: object) -> str | Exception:
        asked.append(prompt)
        return "yes" if len(asked) <= 5 else EngineLostError("no worker is left")

    build = Build(tmp_path)
    with pytest.raises(EngineLostError):
        ask(build, dying)
    kept = list(build.rows())
    assert [row["text"] for row in kept] == ["yes"] * 5
    asked_again: list[str] = []

    def living(prompt: str, request: object) -> str:
        asked_again.append(prompt)
        return "yes"

    assert ask(build, living) == ["yes"] * ITEMS
    assert len(asked_again) == ITEMS - 5
