"""A corpus in the store: stages that run in processes of their own are handed its path, not a million objects.

    <home>/artifacts/queries/<key>/rows/*.parquet     id, messages, reference, answer, in the order of the draw

The key is made of the content, so runs on the same draw share one copy.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora.corpus import Corpus
from genius_bench.corpora.queries import Queries
from genius_bench.rows import Preference, Query

SHARD_ROWS = 4096


def queries_of(fingerprint: str) -> Identity:
    """The artifact of a corpus with this fingerprint, whatever it is called and wherever it came from."""
    return Identity(kind="queries", version=1, parameters={}, inputs={"content": fingerprint})


def stored(corpus: Corpus, store: Store) -> Corpus:
    """`corpus` with queries that are read from the store. It can be pickled, and its fingerprint travels with it."""

    def produce(build: Build) -> None:
        rows = map(_row, islice(corpus.queries, build.row_count(), None))
        while shard := list(islice(rows, SHARD_ROWS)):
            build.write_shard(shard)

    queries = Queries(
        partial(_read, store.make(queries_of(corpus.fingerprint), produce)), len(corpus.queries)
    )
    kept = replace(corpus, queries=queries, spare=(), find_place=None)
    vars(kept)["fingerprint"] = corpus.fingerprint  # known: a million rows need not be read again for it
    return kept


def _row(query: Query) -> dict[str, Any]:
    """Queries without preferences are stored as before there were any: equal keys have equal content."""
    row = dict(vars(query))
    if query.preference is None:
        del row["preference"]
    return row


def _read(artifact: Artifact) -> Iterator[Query]:
    for row in artifact.rows():
        known = row.pop("preference", None) or {}
        preference = Preference(**{name: value for name, value in known.items() if value is not None})
        yield Query(**{**row, "messages": tuple(row["messages"])}, preference=preference or None)
