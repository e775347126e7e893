"""Queries that lie on disk and are read anew each time they are gone through, so that a million need no memory."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import compress

from genius_bench.rows import Query


@dataclass(frozen=True, eq=False)
class Queries(Collection[Query]):
    """`read` begins at the first query each time it is called; it yields `count` of them. Compares as a list does."""

    read: Callable[[], Iterable[Query]]
    count: int

    def __iter__(self) -> Iterator[Query]:
        return iter(self.read())

    def __len__(self) -> int:
        return self.count

    def __contains__(self, query: object) -> bool:
        return any(one == query for one in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Collection) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def chosen(queries: Collection[Query], keep: bytearray) -> Queries:
    """Those whose byte in `keep` is not 0."""
    return Queries(lambda: compress(queries, keep), len(keep) - keep.count(0))
