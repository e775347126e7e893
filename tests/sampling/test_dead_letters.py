"""A query that ends whatever worker is asked it: put on a list, and the run goes on. Any other error ends the run."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import InputError, WorkerKilledError
from genius_bench.rows import Message, Query
from genius_bench.sampling.collecting import collect, rows_and_left_out, training_set
from tests.sampling.scripted import ScriptedEngine
from trainers.genius import Genius
from trainers.scpo import ScPO

METHODS: list[Any] = [Genius, ScPO]
QUERIES = 40


def script(text: str, random: Any) -> tuple[str, float]:
    step = int(random.integers(9))
    return f"step {step}\nThe answer is {step % 3}.", -0.1 * (1 + step)


class Deadly(ScriptedEngine):
    """Gives up on prompts that hold one of `deadly`, at once or after `patience` turns; notes who was cancelled."""

    def __init__(self, *deadly: str, fails_after: int | None = None) -> None:
        super().__init__(script)
        self.deadly, self.fails_after = deadly, fails_after
        self.asked: list[str] = []
        self.cancelled = 0

    async def generate(self, request: Request) -> Completion:
        prompt = "".join(map(chr, request.prompt_ids))
        self.asked.append(prompt)
        if self.fails_after is not None and len(self.asked) > self.fails_after:
            raise RuntimeError("the device is gone")
        if any(word in prompt for word in self.deadly):
            turns = sum(1 for other in self.asked if other == prompt)
            try:
                for _ in range(3 * turns):  # the first is told first, while its siblings wait
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            raise WorkerKilledError(f"a request ended its worker 3 times: {prompt!r}")
        return await super().generate(request)


def corpus() -> Corpus:
    def query(number: int) -> Query:
        return Query(id=f"q{number:02d}", messages=(Message(role="user", content=f"<{number}>"),))

    return Corpus(name="test", queries=[query(number) for number in range(QUERIES)])


def collected(home: Path, method: Any, engine: ScriptedEngine) -> Artifact:
    return collect(
        Store(home),
        method(method.Options()),
        corpus=corpus(),
        policy_fingerprint="policy",
        open_engine=lambda: engine,
        seed=0,
        queries_in_flight=8,
    )


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("method", METHODS)
def test_the_run_goes_on_and_the_query_is_on_the_list(tmp_path: Path, method: Any) -> None:
    engine = Deadly("<7>", "<31>")
    collection = collected(tmp_path / "some", method, engine)
    rows = {row["id"]: row for row in collection.rows()}
    assert sorted(rows) == [query.id for query in corpus().queries]
    letters = read(collection.path / "dead_letters.json")
    assert [letter["id"] for letter in letters] == ["q07", "q31"]
    for letter in letters:
        assert letter["reason"].startswith("a request ended its worker 3 times: 'Question: <")
        dead = rows[letter["id"]]
        assert (dead["rows"], dead["notes"]) == ("[]", '{"killed its worker": 1}')
        assert json.loads(dead["trace"]) == {"error": letter["reason"]}

    whole = collected(tmp_path / "all", method, Deadly())
    assert not (whole.path / "dead_letters.json").exists()
    mine, theirs = (
        training_set(Store(tmp_path / name), one) for name, one in (("some", collection), ("all", whole))
    )
    others = [row for row in theirs.rows() if row["query_id"] not in ("q07", "q31")]
    assert others
    assert list(mine.rows()) == others, "what the others made is untouched"
    assert read(mine.path / "summary.json")["left_out"]["killed its worker"] == 2
    assert ", 2 left out (killed its worker)" in rows_and_left_out(mine)


def test_what_else_the_query_asked_is_given_up(tmp_path: Path) -> None:
    """Eight candidates are in flight when the first is told of: the others must not end workers too."""
    engine = Deadly("<7>")
    collected(tmp_path, Genius, engine)
    assert sum("<7>" in prompt for prompt in engine.asked) == 8
    assert engine.cancelled == 7


@pytest.mark.parametrize("method", METHODS)
def test_it_is_not_tried_again_after_an_interruption(tmp_path: Path, method: Any) -> None:
    first = Deadly("<3>", fails_after=25 * (64 if method is Genius else 8))
    with pytest.raises(RuntimeError, match="the device is gone"):
        collected(tmp_path, method, first)
    [partial] = tmp_path.glob("artifacts/collection/*.partial")
    assert not (partial / "manifest.json").exists()
    second = Deadly()
    collection = collected(tmp_path, method, second)
    assert second.asked
    assert not [prompt for prompt in second.asked if "<3>" in prompt]
    assert [letter["id"] for letter in read(collection.path / "dead_letters.json")] == ["q03"]
    ids = [row["id"] for row in collection.rows()]
    assert len(ids) == len(set(ids)) == QUERIES


def test_where_nobody_survives_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    collection = collected(tmp_path, ScPO, Deadly("<"))
    assert len(read(collection.path / "dead_letters.json")) == QUERIES
    with pytest.raises(
        InputError, match=rf"'scpo' has nothing to train on: {QUERIES} left out \(killed its worker\)"
    ):
        training_set(Store(tmp_path), collection)
