"""What becomes of an evaluation when a request ends its worker, and when the engine itself is gone."""

from pathlib import Path

import pytest

from genius_bench.artifacts import Build
from genius_bench.errors import EngineLostError, WorkerKilledError
from genius_bench.evaluation.asking import AskedTask, LazyEngine, Prompt, ask
from genius_bench.rows import Message
from tests.evaluation.fake_engine import FakeEngine, Script

ITEMS = 20


def asked(build: Build, script: Script) -> dict[str, str]:
    engine = LazyEngine(lambda: FakeEngine(script))
    names = [f"item {n:02}" for n in range(ITEMS)]
    prompts = [Prompt(n, 0, (Message(role="user", content=f"number {n:02}"),), ()) for n in range(ITEMS)]
    try:
        ask(engine, [AskedTask("task", build, names, 1.0, 8, prompts)], "asking")
    finally:
        engine.close()
    return {row["id"]: row["text"] for row in build.rows()}


EVERY = [f"item {n:02}/0" for n in range(ITEMS)]


def test_a_deadly_prompt_is_a_record_and_the_others_are_answered(tmp_path: Path) -> None:
    build = Build(tmp_path)
    deadly = WorkerKilledError("it ended its worker 3 times")
    texts = asked(build, lambda prompt, request: deadly if "number 07" in prompt else "yes")
    assert texts == {name: "" if name == "item 07/0" else "yes" for name in EVERY}
    errors = {row["id"]: row["error"] for row in build.rows() if row["error"]}
    assert errors == {"item 07/0": "WorkerKilledError: it ended its worker 3 times"}


def test_a_lost_engine_ends_the_evaluation_which_goes_on_later(tmp_path: Path) -> None:
    """Its last errors are no records: nobody could tell them from questions that a model cannot answer."""
    requests: list[str] = []

    def dying(prompt: str, request: object) -> str | Exception:
        requests.append(prompt)
        return "yes" if len(requests) <= 5 else EngineLostError("no worker is left")

    build = Build(tmp_path)
    with pytest.raises(EngineLostError):
        asked(build, dying)
    kept = list(build.rows())
    assert [row["text"] for row in kept] == ["yes"] * 5
    asked_again: list[str] = []

    def living(prompt: str, request: object) -> str:
        asked_again.append(prompt)
        return "yes"

    assert asked(build, living) == dict.fromkeys(EVERY, "yes")
    assert len(asked_again) == ITEMS - 5
