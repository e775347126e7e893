"""Iterations that build on earlier ones: what they are shown, when they are sampled again, and after interruptions."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import WorkerKilledError
from genius_bench.method import Collected, Method
from genius_bench.rows import Message, Query
from genius_bench.sampling import collecting
from genius_bench.sampling.demonstrations import demonstration, unreferenced_pair
from genius_bench.sampling.policy import Policy
from tests.sampling.scripted import ScriptedEngine

QUERIES = 40


class Forgetful(Method):
    """Says something, and writes down what it is told of earlier iterations."""

    name = "forgetful"
    title = "Forgetful"
    source = "a test"

    async def collect(self, query: Query, policy: Policy) -> Collected:
        said = await policy.sample((5,), draw=(query.id, policy.iteration), max_tokens=9, temperature=1.0)
        rows: list[Any] = [demonstration(query, policy.iteration, (5,), said.token_ids)]
        rows += [unreferenced_pair(query, f"{policy.iteration}-pair", (5,), said.token_ids, (7,))]
        told = [[vars(row) for row in one.rows] for one in policy.earlier]
        return Collected(rows=rows, trace={"told": told}, notes={"iterations": 1 + len(policy.earlier)})


class Mindful(Forgetful):
    builds_on_earlier = True


class Breaking(ScriptedEngine):
    def __init__(self, requests: int = 10**9) -> None:
        super().__init__(lambda text, random: (f"{random.integers(10**6)}", -0.5))
        self._left = requests

    async def generate(self, request: Request) -> Completion:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("the device is gone")
        return await super().generate(request)


def collected(
    home: Path,
    method: type[Method],
    earlier: Sequence[Artifact],
    *,
    queries: int = QUERIES,
    requests: int = 10**9,
) -> Artifact:
    messages = (Message(role="user", content="?"),)
    return collecting.collect(
        Store(home),
        method(method.Options()),
        corpus=Corpus(name="test", queries=[Query(id=f"q{n}", messages=messages) for n in range(queries)]),
        policy_fingerprint="policy",
        open_engine=lambda: Breaking(requests),
        seed=0,
        iteration=len(earlier) + 1,
        earlier=earlier,
        queries_in_flight=7,
    )


def by_query(collection: Artifact) -> dict[str, Any]:
    return {row["id"]: row for row in collection.rows()}


def test_an_iteration_sees_the_rows_of_all_before_it(tmp_path: Path) -> None:
    made: list[Artifact] = []
    seen: list[dict[str, list[dict[str, Any]]]] = []

    class Watching(Mindful):
        async def collect(self, query: Query, policy: Policy) -> Collected:
            own = await super().collect(query, policy)
            for number, one in enumerate(policy.earlier):
                assert [vars(row) for row in one.rows] == seen[number][query.id]
                assert one.notes == {"iterations": 1 + number}
            seen[-1][query.id] = [vars(row) for row in own.rows]
            return own

    for iteration in range(3):
        seen.append({})
        made.append(collected(tmp_path, Watching, made))
        assert len(seen[iteration]) == QUERIES
    assert {row["notes"] for row in made[2].rows()} == {'{"iterations": 3}'}


def test_a_query_that_an_iteration_did_not_have_comes_with_nothing(tmp_path: Path) -> None:
    short = collected(tmp_path, Mindful, [], queries=QUERIES - 1)
    made = by_query(collected(tmp_path, Mindful, [short]))
    assert made[f"q{QUERIES - 1}"]["trace"] == '{"told": [[]]}'
    assert "response_ids" in made["q0"]["trace"]


def test_a_query_that_was_given_up_comes_with_nothing(tmp_path: Path) -> None:
    """What stands in its place is an error, no trace of the method's."""

    class Deadly(Mindful):
        async def collect(self, query: Query, policy: Policy) -> Collected:
            if query.id == "q1" and policy.iteration == 1:
                raise WorkerKilledError("q1 ended its worker")
            assert (query.id == "q1") == (policy.earlier == (Collected(rows=[]),)) or policy.iteration == 1
            return await super().collect(query, policy)

    first = collected(tmp_path, Deadly, [])
    assert "ended its worker" in by_query(first)["q1"]["trace"]
    assert len(by_query(collected(tmp_path, Deadly, [first]))) == QUERIES


def test_other_earlier_iterations_are_another_collection_for_those_that_build_on_them(tmp_path: Path) -> None:
    full, short = collected(tmp_path, Mindful, []), collected(tmp_path, Mindful, [], queries=3)
    assert collected(tmp_path, Mindful, [full]).key != collected(tmp_path, Mindful, [short]).key
    assert collected(tmp_path, Forgetful, [full]).key == collected(tmp_path, Forgetful, [short]).key
    assert '"told": []' in by_query(collected(tmp_path, Forgetful, [full]))["q0"]["trace"]


@pytest.mark.parametrize("seed", range(2))
def test_an_interrupted_iteration_ends_as_one_that_was_not(tmp_path: Path, seed: int) -> None:
    homes = tmp_path / "whole", tmp_path / "broken"
    first = [collected(home, Mindful, []) for home in homes]
    whole = collected(homes[0], Mindful, [first[0]])
    for requests in np.random.default_rng(seed).integers(1, QUERIES // 4, 3):
        with suppress(RuntimeError):
            collected(homes[1], Mindful, [first[1]], requests=int(requests))
    broken = collected(homes[1], Mindful, [first[1]])
    assert not broken.reused
    assert broken.manifest["counters"]["attempts"] > 1
    assert by_query(broken) == by_query(whole)
