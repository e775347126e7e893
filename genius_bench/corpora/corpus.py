"""The queries of a run: read from a source, checked row by row, drawn by seed, fingerprinted.

The draw is the first `queries` rows in the order of a hash of (seed, id). So it does not depend on the order of
the source's rows or files, a smaller draw is the beginning of a larger one, and no more rows than drawn are held
in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from heapq import nsmallest
from pathlib import Path
from re import fullmatch

from genius_bench import registry
from genius_bench.corpora.columns import Columns, UnusableRow, content_digest
from genius_bench.corpora.files import SUFFIXES, local
from genius_bench.corpora.hub import hub
from genius_bench.corpora.stream import BadRows, Opener, Stream
from genius_bench.errors import InputError, nearest
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Query
from genius_bench.seeds import seed_of


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The training queries of a run and where they come from."""

    name: str
    queries: list[Query]
    skipped: dict[str, int] = field(default_factory=dict)
    """Rows left out, counted by reason."""
    columns: dict[str, str] = field(default_factory=dict)
    """Which column of the source was read as what."""
    origin: dict[str, str] = field(default_factory=dict)
    """Path, or hub id and revision."""

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


def load_corpus(section: CorpusSection) -> Corpus:
    """Reads, checks and draws the corpus that a recipe names. Raises `InputError` when it cannot be used."""
    bad_rows = BadRows(section.skip_bad_rows)
    stream = _opener(section)(section, bad_rows)
    reader = _Reader(section, stream, bad_rows)
    wanted = section.queries or stream.queries
    rows = reader.queries()
    queries = (
        nsmallest(wanted, rows, key=reader.place) if wanted is not None else sorted(rows, key=reader.place)
    )
    skipped = dict(sorted(bad_rows.counts.items()))
    if not queries:
        left_out = f": all rows were skipped ({_listing(skipped)})" if skipped else ""
        raise InputError(f"corpus {stream.name} is empty{left_out}")
    if section.queries is not None and len(queries) < section.queries:
        raise InputError(
            f"corpus {stream.name} has {len(queries)} usable rows, fewer than the {section.queries} asked for "
            "(corpus.queries)"
        )
    columns = reader.columns.used() if reader.columns else {}
    return Corpus(name=stream.name, queries=queries, skipped=skipped, columns=columns, origin=stream.origin)


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
    """Records to queries, each checked; remembers columns and ids on the way."""

    def __init__(self, section: CorpusSection, stream: Stream, bad_rows: BadRows) -> None:
        self.columns: Columns | None = None
        self._section, self._stream, self._bad_rows = section, stream, bad_rows
        self._seen: dict[str, str] = {}

    def place(self, query: Query) -> int:
        return seed_of("corpus", self._section.seed, query.id)

    def queries(self) -> Iterator[Query]:
        for record in self._stream.records:
            if self.columns is None:
                self.columns = Columns.of(self._section, record)
            try:
                query, own_id = self.columns.read(record.values)
            except UnusableRow as reason:
                self._bad_rows.add(_reason(reason), f"{record.where} {reason}")
                continue
            if query.id not in self._seen:
                self._seen[query.id] = record.where
                yield query
            elif own_id:
                first = self._seen[query.id]
                self._bad_rows.add("duplicate id", f"{record.where} repeats the id '{query.id}' of {first}")
            else:  # rows without ids: the same question again is no error, but it is trained on once
                self._bad_rows.counts["repeated query"] += 1


def _reason(error: UnusableRow) -> str:
    return "no query" if "no query" in str(error) else "unusable cell"


def _listing(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in counts.items())
