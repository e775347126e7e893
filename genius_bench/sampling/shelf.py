"""Where finished queries wait for their shard."""

from collections.abc import Callable
from typing import Any

from genius_bench.artifacts import Build

SHARD_QUERIES = 16
SHARD_SHARE = 256
SHARD_CHARACTERS = 32 << 20

Row = dict[str, Any]


class Shelf:
    """Puts finished queries on disk, in shards that grow with what there is already.

    A shard is written for every 16 queries, later for one in 256 of what is stored: a million queries make some two
    thousand files, and a kill costs at most 0.4 % of the work that was done, or 32 MiB of text where that is less.
    """

    def __init__(self, build: Build, take_counts: Callable[[], dict[str, int]], stored: int) -> None:
        self._build, self._take_counts, self._stored = build, take_counts, stored
        self._rows: list[Row] = []
        self._characters = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self._characters += sum(map(len, row.values()))
        enough = max(SHARD_QUERIES, self._stored // SHARD_SHARE)
        if len(self._rows) >= enough or self._characters >= SHARD_CHARACTERS:
            self.store()

    def store(self) -> None:
        """Writes what is waiting."""
        if self._rows:
            self._build.write_shard(self._rows, **self._take_counts())
            self._stored += len(self._rows)
            self._rows, self._characters = [], 0
