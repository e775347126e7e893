"""What a corpus source hands over: records one by one, each with the place it was read from."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genius_bench.errors import InputError
from genius_bench.recipe import CorpusSection


@dataclass(frozen=True)
class Record:
    """One row as the source has it. `where` ("queries.jsonl line 7") is how messages name it."""

    where: str
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An opened corpus source. A corpus plug-in is a function `(section, bad_rows) -> Stream`."""

    name: str
    records: Iterator[Record]
    queries: int | None = None
    """How many queries to draw when the recipe does not say; None takes all."""
    origin: dict[str, str] = field(default_factory=dict)
    """Where the records come from (path, hub id, revision), for the manifest."""


class BadRows:
    """What becomes of a row that cannot be used: an error, or one more in a count when rows may be skipped."""

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.counts: Counter[str] = Counter()

    def add(self, reason: str, message: str) -> None:
        """`reason` is what skipped rows are counted under, `message` what the user is told."""
        if not self.skip:
            raise InputError(
                f"{message}. Mend the row, or skip such rows with --set corpus.skip_bad_rows=true"
            )
        self.counts[reason] += 1


def listing(counts: Mapping[str, int]) -> str:
    """Counts by reason, as messages tell them."""
    return ", ".join(f"{reason}: {count}" for reason, count in counts.items())


Opener = Callable[[CorpusSection, BadRows], Stream]
