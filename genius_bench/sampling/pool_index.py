"""Which file and row a pooled completion is in: two numbers each, so that millions of them fit into memory."""

import numpy as np

SMALL = 1 << 16
MERGE_SHARE = 8


class PoolIndex:
    """From the digest of a request (hexadecimal) to its place (file, row), of which there is one at most.

    Only the digest's first 60 bits are kept: what lies at the place must be held against the whole.
    """

    def __init__(self) -> None:
        self._digests = self._places = np.empty(0, dtype=np.int64)
        self._recent: dict[int, int] = {}

    def add(self, digest: str, file: int, row: int) -> None:
        self._recent[_number(digest)] = file << 32 | row
        if len(self._recent) > max(SMALL, len(self._digests) // MERGE_SHARE):
            self._merge()

    def find(self, digest: str) -> tuple[int, int] | None:
        number = _number(digest)
        place = self._recent.get(number)
        if place is None:
            at = int(np.searchsorted(self._digests, number))
            if at == len(self._digests) or self._digests[at] != number:
                return None
            place = int(self._places[at])
        return place >> 32, place & 0xFFFFFFFF

    def _merge(self) -> None:
        """Sorts what is recent into the arrays, each time for an eighth more of them: linear time on the whole."""
        digests = np.concatenate([self._digests, np.fromiter(self._recent.keys(), np.int64)])
        places = np.concatenate([self._places, np.fromiter(self._recent.values(), np.int64)])
        order = np.argsort(digests, kind="stable")
        self._digests, self._places = digests[order], places[order]
        self._recent = {}


def _number(digest: str) -> int:
    return int(digest[:15], 16)
