"""Responses that a policy has given before: methods that ask the same thing at equal settings sample it once.

    <home>/pools/<policy>/<number>.parquet      completions by the digest of their request

A request holds everything that its completion depends on, the policy aside (its seed is made of the run's seed, the
query, the settings and the response's number), so an equal request has the same completion, whoever asks.
"""

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from genius_bench.engines.interface import Completion, Request
from genius_bench.integrity import digest_of
from genius_bench.sampling.pool_index import PoolIndex
from genius_bench.storage import publish_file

VERSION = 2
"""Raise it when an engine answers an equal request otherwise: since 2, a template's end of turn ends the answer."""
FILE_TOKENS = 1 << 19
"""Tokens that wait for their file at most."""
OPEN_FILES = 16
"""Queries come in the same order whoever asks, so that few files are read at a time."""
TOLD = ("entropies", "certainties")
"""What an engine is asked to tell of its completion, beside it. It is not pooled."""
COLUMNS = ("token_ids", "text", "logprobs", "finish_reason")


def name_of(request: Request) -> str:
    """Under which a request's completion is pooled; what may follow it, or is told of it, makes no difference to it."""
    asked = {name: value for name, value in vars(request).items() if name not in ("then", *TOLD)}
    return digest_of({**asked, "version": VERSION})


class Pool:
    """Only ever added to, each file whole or absent; two processes may add at once. Completions stay on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._index = PoolIndex()
        self._new: dict[str, Completion] = {}
        self._new_tokens = 0
        self._table = lru_cache(OPEN_FILES)(_read)
        for path in sorted(folder.glob("*.parquet")):
            names = _read(path, ("request",))
            if names is not None:
                self._add_file(path, names.column("request").to_pylist())

    def find(self, name: str) -> Completion | None:
        """The completion of an equal request, from an earlier run or from this one."""
        if name in self._new:
            return self._new[name]
        place = self._index.find(name)
        table = self._table(self._files[place[0]]) if place else None
        if place is None or table is None:
            return None
        [values] = table.slice(place[1], 1).to_pylist()
        if values["request"] != name:
            return None
        return Completion(
            token_ids=tuple(values["token_ids"]),
            text=values["text"],
            logprobs=tuple(values["logprobs"]),
            finish_reason=values["finish_reason"],
        )

    def add(self, name: str, completion: Completion) -> None:
        self._new[name] = completion
        self._new_tokens += len(completion.token_ids)
        if self._new_tokens >= FILE_TOKENS:
            self.store()

    def store(self) -> None:
        """Puts what is new on disk."""
        if not self._new:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [
            {"request": name, **{column: getattr(completion, column) for column in COLUMNS}}
            for name, completion in self._new.items()
        ]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{time.time_ns()}-{os.getpid()}.parquet"
        table = pa.Table.from_pylist(rows)
        publish_file(path, lambda file: pq.write_table(table, file, write_page_checksum=True))
        self._add_file(path, list(self._new))
        self._new, self._new_tokens = {}, 0

    def _add_file(self, path: Path, names: list[str]) -> None:
        for row, name in enumerate(names):
            self._index.add(name, len(self._files), row)
        self._files.append(path)


def _read(path: Path, columns: tuple[str, ...] = ()) -> Any:
    """A file's table; None where it is damaged, which costs its responses: they are drawn again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(columns) or None, page_checksum_verification=True)
    except (OSError, pa.ArrowException):
        return None
    return table if set(table.column_names) >= set(columns or ("request", *COLUMNS)) else None
