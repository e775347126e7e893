"""Responses that a policy has given before: methods that ask the same thing at equal settings sample it once.

    <home>/pools/<policy>/<number>.parquet      completions by the digest of their request

A request holds everything that its completion depends on, the policy aside (its seed is made of the run's seed, the
query, the settings and the response's number), so an equal request has the same completion, whoever asks.
"""

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genius_bench.artifacts import digest_of, publish_file
from genius_bench.engines.interface import Completion, Request


class Pool:
    """Only ever added to, each file whole or absent; two processes may add at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: list[Any] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._new: dict[str, Completion] = {}
        for path in sorted(folder.glob("*.parquet")):
            self._read(path)

    def find(self, request: Request) -> Completion | None:
        """The completion of an equal request, from an earlier run or from this one."""
        name = _name(request)
        if name in self._new:
            return self._new[name]
        if name not in self._places:
            return None
        table, row = self._places[name]
        [values] = self._tables[table].slice(row, 1).to_pylist()
        return Completion(
            token_ids=tuple(values["token_ids"]),
            text=values["text"],
            logprobs=tuple(values["logprobs"]),
            finish_reason=values["finish_reason"],
        )

    def add(self, request: Request, completion: Completion) -> None:
        self._new[_name(request)] = completion

    def store(self) -> None:
        """Puts what is new on disk."""
        if not self._new:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [{"request": name, **asdict(completion)} for name, completion in self._new.items()]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{time.time_ns()}-{os.getpid()}.parquet"
        publish_file(path, lambda file: pq.write_table(pa.Table.from_pylist(rows), file))
        self._new = {}
        self._read(path)

    def _read(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException):
            return  # a damaged file costs its responses, which are drawn again
        names = table.column("request").to_pylist()
        self._places |= {name: (len(self._tables), row) for row, name in enumerate(names)}
        self._tables.append(table.drop_columns(["request"]))


def _name(request: Request) -> str:
    return digest_of(asdict(request))
