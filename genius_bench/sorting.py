"""Texts in the order of their keys, however many there are: sorted runs in a nameless file, merged as they are read."""

import os
import pickle
import sys
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, Generic, TypeVar

from genius_bench.storage import storage_error

RUN_BYTES = 64 << 20
BLOCK_BYTES = 64 << 10
"""Of every run, so much is in memory while they are merged (a text at least)."""
OVERHEAD_BYTES = 150
"""What a key and its place in a list take beside the text."""

Key = TypeVar("Key", int, str)


class Sorted(Generic[Key]):
    """Takes texts in any order and gives them back, as often as asked, by ascending key (equal keys as they came).

    What does not fit into `RUN_BYTES` lies in `folder` (the system's for temporary files when None), in a file without
    a name that is gone with the process, however it ends. With `first`, only so many of the beginning are kept.
    """

    def __init__(self, folder: Path | None = None, first: int | None = None) -> None:
        self._folder, self._first = folder, first
        self._newest: list[tuple[Key, str]] = []
        self._bytes = self._added = 0
        self._bound: Key | None = None
        self._file: Any = None
        self._runs: list[list[tuple[int, int]]] = []

    def add(self, key: Key, text: str) -> None:
        self._added += 1
        if self._bound is not None and key >= self._bound:
            return
        self._newest.append((key, text))
        self._bytes += sys.getsizeof(text) + OVERHEAD_BYTES
        if self._bytes > RUN_BYTES:
            self._cut()
            if self._bytes > RUN_BYTES // 2:
                self._write_run()

    def __len__(self) -> int:
        return self._added if self._first is None else min(self._added, self._first)

    def __iter__(self) -> Iterator[str]:
        self._newest.sort(key=itemgetter(0))
        runs = [self._read_run(run) for run in self._runs]
        everything = merge(*runs, iter(self._newest), key=itemgetter(0))
        return (text for _, text in islice(everything, self._first))

    def _cut(self) -> None:
        """Sorts what is in memory and forgets what cannot be among the first; they bound all that follow."""
        self._newest.sort(key=itemgetter(0))
        if self._first is not None and len(self._newest) >= self._first:
            del self._newest[self._first :]
            self._bound = self._newest[-1][0]
            self._bytes = sum(sys.getsizeof(text) + OVERHEAD_BYTES for _, text in self._newest)

    def _write_run(self) -> None:
        folder = Path(gettempdir()) if self._folder is None else self._folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._file or TemporaryFile(dir=folder)  # noqa: SIM115 - open for as long as `self` is
            blocks, texts = [], max(1, len(self._newest) * BLOCK_BYTES // self._bytes)
            for start in range(0, len(self._newest), texts):
                block = pickle.dumps(self._newest[start : start + texts])
                blocks.append((self._file.tell(), self._file.write(block)))
            self._file.flush()
        except OSError as error:
            raise storage_error(folder, error) from error
        self._runs.append(blocks)
        self._newest, self._bytes = [], 0

    def _read_run(self, blocks: list[tuple[int, int]]) -> Iterator[tuple[Key, str]]:
        """Reads by position, so that any number of readers are in the file at once."""
        for position, size in blocks:
            yield from pickle.loads(os.pread(self._file.fileno(), size, position))
