"""What earlier iterations made of a query, for methods that build on it."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact
from genius_bench.integrity import digest_of
from genius_bench.method import Collected
from genius_bench.rows import Demonstration, PreferencePair, TrainingRow
from genius_bench.sampling.dead_letters import NOTE
from genius_bench.sampling.pool_index import PoolIndex
from genius_bench.shards import read_shards

OPEN_SHARDS = 2
"""Of each collection: queries finish in nearly the order in which the next iteration asks for them."""


class Earlier:
    """The collections of earlier iterations, read query by query: of each, a shard or two are in memory."""

    def __init__(self, collections: Sequence[Artifact]) -> None:
        self._collections = [_Collection(collection) for collection in collections]

    def of(self, query_id: str) -> tuple[Collected, ...]:
        """One `Collected` an iteration, first to last; empty for a query that it did not have, or gave up."""
        return tuple(collection.find(query_id) for collection in self._collections)


class _Collection:
    def __init__(self, artifact: Artifact) -> None:
        self._shards = artifact.shards()
        self._index = PoolIndex()
        self._read = lru_cache(OPEN_SHARDS)(_rows_of)
        for number, shard in enumerate(self._shards):
            for place, row in enumerate(read_shards([shard], ["id"])):
                self._index.add(digest_of(row["id"]), number, place)

    def find(self, query_id: str) -> Collected:
        place = self._index.find(digest_of(query_id))
        row = self._read(self._shards[place[0]])[place[1]] if place else {}
        if row.get("id") != query_id or NOTE in json.loads(row["notes"]):
            return Collected(rows=[])
        return Collected(
            rows=[training_row(values) for values in json.loads(row["rows"])],
            trace=json.loads(row["trace"]),
            notes=json.loads(row["notes"]),
        )


def training_row(values: dict[str, Any]) -> TrainingRow:
    """A row as it was before it was stored: lists of token ids are tuples again."""
    kind: type[TrainingRow] = Demonstration if "response_ids" in values else PreferencePair
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return kind(**fields)


def _rows_of(shard: Path) -> list[dict[str, Any]]:
    return list(read_shards([shard]))
