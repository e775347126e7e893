"""The queries of a run: read from a source, checked row by row, drawn by seed, fingerprinted.

The draw is the first `queries` rows in the order of a hash of (seed, id). So it does not depend on the order of
the source's rows or files, and a smaller draw is the beginning of a larger one. It lies on disk as soon as it is
large: of a row only its id's hash stays in memory.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from re import fullmatch

from genius_bench import registry
from genius_bench.corpora.columns import Columns, content_digest
from genius_bench.corpora.conversations import UnusableRow
from genius_bench.corpora.files import SUFFIXES, local
from genius_bench.corpora.hub import hub
from genius_bench.corpora.queries import Queries
from genius_bench.corpora.stream import BadRows, Opener, listing
from genius_bench.errors import InputError, nearest
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Query
from genius_bench.seeds import seed_of
from genius_bench.sorting import Sorted

LABELS = [one.name for one in fields(Query)][2:]
"""What a query holds beside its id and its messages."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The training queries of a run and where they come from."""

    name: str
    queries: Collection[Query]
    """In the order of the draw: a list, or rows on disk that are read as one goes through them."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Rows left out, counted by reason."""
    columns: dict[str, str] = field(default_factory=dict)
    """Which column of the source was read as what."""
    unread: tuple[str, ...] = ()
    """Columns of the source that play no part."""
    origin: dict[str, str] = field(default_factory=dict)
    """Path, or hub id and revision."""
    wanted: int | None = None
    """How many were to be drawn; None where all are."""
    spare: Collection[Query] = ()
    """Where rows may be skipped: those that follow in the order of the draw, for queries that cannot be asked."""
    find_place: Callable[[str], str] | None = field(default=None, compare=False)
    """From an id to where the row was read ("queries.jsonl line 7"), as long as the source is at hand."""

    def place_of(self, identifier: str) -> str:
        """How messages name a row."""
        place = self.find_place(identifier) if self.find_place else f"corpus {self.name}"
        return f"{place}: row '{identifier}'"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content of the rows in their order."""
        digest = sha256()
        for query in self.queries:
            digest.update(content_digest(query))
        return digest.hexdigest()

    def ids(self) -> list[str]:
        """The drawn subset, as published beside a result."""
        return [query.id for query in self.queries]


def load_corpus(section: CorpusSection, folder: Path | None = None, *, preferences: bool = False) -> Corpus:
    """Reads, checks and draws the corpus that a recipe names, as preference data on request (`Columns`). Raises
    `InputError` when it cannot be used.

    A large draw lies in `folder` (or among the system's temporary files) for as long as the corpus is in use.
    """
    bad_rows = BadRows(section.skip_bad_rows)
    reader = _Reader(section, _opener(section), bad_rows, preferences)
    stream = reader.stream
    wanted = section.queries or stream.queries
    rows: Sorted[int] = Sorted(folder, first=None if section.skip_bad_rows else wanted)
    for place, query in reader.queries():
        rows.add(place, json.dumps(list(vars(query).values()), ensure_ascii=False))
    skipped = dict(sorted(bad_rows.counts.items()))
    if not rows:
        left_out = f": all rows were skipped ({listing(skipped)})" if skipped else ""
        raise InputError(f"corpus {stream.name} is empty{left_out}")
    if section.queries is not None and len(rows) < section.queries:
        raise InputError(
            f"corpus {stream.name} has {len(rows)} usable rows, fewer than the {section.queries} asked for "
            "(corpus.queries)"
        )
    drawn = min(wanted or len(rows), len(rows))
    return Corpus(
        name=stream.name,
        queries=Queries(partial(_read, rows, 0, drawn), drawn),
        skipped=skipped,
        columns=dict(reader.columns.used) if reader.columns else {},
        unread=reader.columns.unread if reader.columns else (),
        origin=stream.origin,
        wanted=wanted,
        spare=Queries(partial(_read, rows, drawn, None), len(rows) - drawn),
        find_place=reader.place_of,
    )


def _read(rows: Sorted[int], start: int, stop: int | None) -> Iterator[Query]:
    for text in islice(rows, start, stop):
        identifier, messages, *labels = json.loads(text)
        yield Query(id=identifier, messages=tuple(messages), **dict(zip(LABELS, labels, strict=True)))


def _opener(section: CorpusSection) -> Opener:
    name, path = section.name, Path(section.name).expanduser()
    plugins = registry.names("corpora")
    if name in plugins:
        plugin: Opener = registry.load("corpora", name)
        return plugin
    if path.exists():
        return local
    if name.endswith(SUFFIXES) or name.startswith((".", "/", "~")):
        raise InputError(f"corpus file {path} does not exist")
    if fullmatch(r"[\w.-]+/[\w.-]+(:[^:/]+){0,2}", name):
        return hub
    raise InputError(f"unknown corpus '{name}': no such file or folder, and {nearest(name, plugins)}")


class _Reader:
    """Records to queries, each checked; remembers columns, and the hashes of ids, on the way."""

    def __init__(
        self, section: CorpusSection, open_source: Opener, bad_rows: BadRows, preferences: bool
    ) -> None:
        self.stream = open_source(section, bad_rows)
        self.columns: Columns | None = None
        self._section, self._open_source, self._bad_rows = section, open_source, bad_rows
        self._preferences = preferences
        self._seen: set[int] = set()

    def queries(self) -> Iterator[tuple[int, Query]]:
        """Usable rows, each with its place in the order of the draw."""
        for record in self.stream.records:
            if self.columns is None:
                self.columns = Columns.of(self._section, record, self._preferences)
            try:
                query, own_id = self.columns.read(record.values)
            except UnusableRow as reason:
                self._bad_rows.add(reason.reason, f"{record.where} {reason}")
                continue
            place = seed_of("corpus", self._section.seed, query.id)
            if place not in self._seen:
                self._seen.add(place)
                yield place, query
            elif own_id:
                first = "" if self._bad_rows.skip else f" of {self.place_of(query.id)}"
                self._bad_rows.add("duplicate id", f"{record.where} repeats the id '{query.id}'{first}")
            else:  # rows without ids: the same question again is no error, but it is trained on once
                self._bad_rows.counts["repeated query"] += 1

    def place_of(self, identifier: str) -> str:
        """Where an id came first. The source is read again for it: remembering all places would take memory."""
        assert self.columns is not None
        for record in self._open_source(self._section, BadRows(skip=True)).records:
            try:
                if self.columns.read(record.values)[0].id == identifier:
                    return record.where
            except UnusableRow:
                continue
        return "an earlier row"
