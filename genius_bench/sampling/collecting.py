"""The collect stage: every query through the method, hundreds at once, stored shard by shard as they finish."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.interface import Engine
from genius_bench.errors import InputError
from genius_bench.method import Method
from genius_bench.progress import Advance, progress
from genius_bench.registry import code_digest
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.pool import Pool

COLLECT_VERSION = 1
SHARD_QUERIES = 16

Row = dict[str, Any]


def collect(
    store: Store,
    method: Method,
    *,
    corpus: Corpus,
    policy_fingerprint: str,
    open_engine: Callable[[], Engine],
    seed: int,
    iteration: int = 1,
    queries_in_flight: int = 128,
) -> Artifact:
    """The `collection` of a method: a row per query with its training rows, its trace and its notes.

    Labels that the method does not declare as needed are removed from the queries before it sees them.
    """
    visible = visible_part(corpus, method)
    identity = Identity(
        kind="collection",
        version=COLLECT_VERSION,
        parameters={
            "method": method.name,
            "code": code_digest(type(method)),
            "sampling": method.options.model_dump(exclude=set(method.schedule)),
            "seed": seed,
            "iteration": iteration,
        },
        inputs={"policy": policy_fingerprint, "corpus": visible.fingerprint},
    )

    def produce(build: Build) -> None:
        done = {row["id"] for row in build.rows()}
        waiting = [query for query in visible.queries if query.id not in done]
        if not waiting:
            return
        engine = open_engine()
        try:
            with progress(
                f"{method.title}: sampling", len(visible.queries), "queries", done=len(done)
            ) as advance:
                bound = Policy(engine, seed, iteration, Pool(store.home / "pools" / policy_fingerprint))
                asyncio.run(_collect_all(waiting, queries_in_flight, method, bound, build, advance))
        finally:
            engine.close()

    return store.make(identity, produce)


def visible_part(corpus: Corpus, method: Method) -> Corpus:
    """The corpus as the method may see it: labels that it does not declare as needed are gone."""
    keep_references, keep_answers = "references" in method.needs, "answers" in method.needs
    queries = [
        replace(
            query,
            reference=query.reference if keep_references else None,
            answer=query.answer if keep_answers else None,
        )
        for query in corpus.queries
    ]
    return replace(corpus, queries=queries)


async def _collect_all(
    queries: Iterable[Query], in_flight: int, method: Method, policy: Policy, build: Build, advance: Advance
) -> None:
    """A fixed number of workers take queries one by one; what is finished is stored even when one of them fails."""
    waiting = iter(queries)
    finished: list[Row] = []

    def store_finished() -> None:
        if finished:
            build.write_shard(finished, **policy.take_counts())
            finished.clear()

    async def work() -> None:
        for query in waiting:
            collected = await method.collect(query, policy)
            finished.append(
                {
                    "id": query.id,
                    "rows": json.dumps([asdict(row) for row in collected.rows]),
                    "trace": json.dumps(collected.trace, ensure_ascii=False),
                    "notes": json.dumps(collected.notes),
                }
            )
            advance(1)
            if len(finished) >= SHARD_QUERIES:
                store_finished()

    workers = [asyncio.create_task(work()) for _ in range(in_flight)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        store_finished()


def training_set(store: Store, collection: Artifact) -> Artifact:
    """The training rows of a collection, in the order of their ids, with counts of what was left out."""
    identity = Identity(kind="training-set", version=1, parameters={}, inputs={"collection": collection.key})

    def produce(build: Build) -> None:
        rows: list[Row] = []
        notes: dict[str, int] = {}
        for collected in collection.rows():
            rows += json.loads(collected["rows"])
            for name, count in json.loads(collected["notes"]).items():
                notes[name] = notes.get(name, 0) + count
        if not rows:
            raise InputError(f"no training row came out of {collection.path}: left out {notes or 'nothing'}")
        rows.sort(key=lambda row: row["id"])
        written = sum(1 for _ in build.rows())
        for shard in _shards(rows[written:], 4096):
            build.write_shard(shard)
        build.write_json("summary.json", {"rows": len(rows), "left_out": notes})

    return store.make(identity, produce)


def _shards(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
