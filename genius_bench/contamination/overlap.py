"""Word sequences that training queries share with benchmark items: the plain way to find a leaked question.

Texts are compared as lower-case words without punctuation. An item counts as met when a query holds `SEQUENCE` of its
words in a row (all of them where it has fewer, but at least `SHORTEST`); how much of it the query holds is told too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

SEQUENCE = 13
"""Words in a row, as GPT-3's report counts them (arXiv 2005.14165, appendix C)."""
SHORTEST = 6
"""Shorter questions ("What is 2 + 3?") meet by chance."""
EXAMPLES = 5
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Meeting:
    """A query and an item that share words. `share`: of the item's sequences, those that the query holds."""

    task: str
    item: str
    query: str
    share: float
    words: str
    """The first sequence that both hold."""


@dataclass(frozen=True)
class TaskOverlap:
    """`items_met` of `items` share a sequence with some query; `items_inside` lie whole in one."""

    task: str
    items: int
    items_met: int
    items_inside: int
    too_short: int
    """Items with fewer words than can be compared."""
    examples: list[Meeting]
    """Those with the largest share first."""


@dataclass(frozen=True)
class Overlap:
    queries: int
    queries_meeting: int
    """Queries that share a sequence with any item."""
    tasks: list[TaskOverlap]


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())


def sequences(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every run of `SEQUENCE` words; a shorter text is one run."""
    length = min(SEQUENCE, len(words))
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


def find_overlap(
    queries: Iterable[tuple[str, str]], items: Mapping[str, Iterable[tuple[str, str]]]
) -> Overlap:
    """`queries` and each task's `items` are pairs (id, text). Memory grows with the items, not with the queries."""
    index = _Index(items)
    count = meeting = 0
    for name, text in queries:
        count += 1
        meeting += index.look_up(name, words_of(text))
    return Overlap(count, meeting, [index.report(task) for task in index.counts])


class _Index:
    """Items' sequences by their hash, one dictionary a length: short items are runs of their own length."""

    def __init__(self, items: Mapping[str, Iterable[tuple[str, str]]]) -> None:
        self.counts: dict[str, int] = {}
        self._short: dict[str, int] = {}
        self._by_length: dict[int, dict[int, list[int]]] = {}
        self._items: list[tuple[str, str, int]] = []
        self._best: dict[int, Meeting] = {}
        for task, texts in items.items():
            self.counts[task] = self._short[task] = 0
            for name, text in texts:
                self.counts[task] += 1
                self._add(task, name, words_of(text))

    def _add(self, task: str, name: str, words: list[str]) -> None:
        if len(words) < SHORTEST:
            self._short[task] += 1
            return
        number = len(self._items)
        runs = {_digest(run) for run in sequences(words)}
        self._items.append((task, name, len(runs)))
        places = self._by_length.setdefault(min(SEQUENCE, len(words)), {})
        for run in runs:
            places.setdefault(run, []).append(number)

    def look_up(self, query: str, words: list[str]) -> bool:
        """Whether the query meets an item; the nearest query of every item is kept."""
        held: dict[int, tuple[int, str]] = {}
        for length, places in self._by_length.items():
            seen: set[int] = set()
            for start in range(len(words) - length + 1):
                run = tuple(words[start : start + length])
                digest = _digest(run)
                if digest in seen:
                    continue
                seen.add(digest)
                for number in places.get(digest, ()):
                    times, first = held.get(number, (0, " ".join(run)))
                    held[number] = (times + 1, first)
        for number, (times, first) in held.items():
            task, item, runs = self._items[number]
            meeting = Meeting(task, item, query, times / runs, first)
            if number not in self._best or meeting.share > self._best[number].share:
                self._best[number] = meeting
        return bool(held)

    def report(self, task: str) -> TaskOverlap:
        found = sorted(
            (one for one in self._best.values() if one.task == task), key=lambda one: (-one.share, one.item)
        )
        return TaskOverlap(
            task=task,
            items=self.counts[task],
            items_met=len(found),
            items_inside=sum(one.share == 1 for one in found),
            too_short=self._short[task],
            examples=found[:EXAMPLES],
        )


def _digest(run: Sequence[str]) -> int:
    """Python's own hash differs between processes; eight bytes are enough for billions of sequences."""
    return int.from_bytes(blake2b(" ".join(run).encode("utf-8", "replace"), digest_size=8).digest(), "big")
