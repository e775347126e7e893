"""The collect stage: every query through the method, hundreds at once, stored shard by shard as they finish."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.corpora.queries import Queries
from genius_bench.engines.interface import Engine
from genius_bench.errors import InputError, WorkerKilledError
from genius_bench.method import Collected, Method
from genius_bench.progress import Advance, progress
from genius_bench.registry import code_digest
from genius_bench.rows import Query
from genius_bench.sampling.dead_letters import dead_letter, list_dead_letters
from genius_bench.sampling.earlier import Earlier
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.pool import Pool
from genius_bench.sampling.shelf import Row, Shelf
from genius_bench.sorting import Sorted

COLLECT_VERSION = 3
"""Since 2, labelled responses and sampled ones end with the chat template's end of turn; since 3, votes know the same
letters and repeating decimals as grades."""
TRAINING_SHARD_ROWS = 4096


def collect(
    store: Store,
    method: Method,
    *,
    corpus: Corpus,
    policy_fingerprint: str,
    open_engine: Callable[[], Engine],
    seed: int,
    iteration: int = 1,
    earlier: Sequence[Artifact] = (),
    queries_in_flight: int = 128,
) -> Artifact:
    """The `collection` of a method: a row per query with its training rows, its trace and its notes.

    Labels that the method does not declare as needed are removed from the queries before it sees them, and so are the
    collections of `earlier` iterations where it does not build on them. An engine of several workers is given
    `queries_in_flight` for each.
    """
    visible = visible_part(corpus, method)
    earlier = earlier if method.builds_on_earlier else ()
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
        inputs={
            "policy": policy_fingerprint,
            "corpus": visible.fingerprint,
            **{f"iteration {number}": made.key for number, made in enumerate(earlier, start=1)},
        },
    )

    def produce(build: Build) -> None:
        done = {row["id"] for row in build.rows("id")}
        if len(done) < len(visible.queries):
            waiting = (query for query in visible.queries if query.id not in done)
            engine = open_engine()
            try:
                with progress(
                    f"{method.title}: sampling", len(visible.queries), "queries", done=len(done)
                ) as advance:
                    bound = Policy(engine, seed, iteration, Pool(store.home / "pools" / policy_fingerprint))
                    shelf = Shelf(build, bound.take_counts, len(done))
                    in_flight = queries_in_flight * getattr(engine, "workers", 1)
                    before = Earlier(earlier)
                    asyncio.run(_collect_all(waiting, in_flight, method, bound, before, shelf, advance))
            finally:
                engine.close()
        list_dead_letters(build)

    return store.make(identity, produce)


def visible_part(corpus: Corpus, method: Method) -> Corpus:
    """The corpus as the method may see it: labels that it does not declare as needed are gone."""
    visible = partial(_visible, corpus.queries, method.needs)
    return replace(corpus, queries=Queries(visible, len(corpus.queries)))


def _visible(queries: Iterable[Query], needs: frozenset[str]) -> Iterator[Query]:
    for query in queries:
        yield replace(
            query,
            reference=query.reference if "references" in needs else None,
            answer=query.answer if "answers" in needs else None,
            preference=query.preference if "pairs" in needs else None,
        )


async def _collect_all(
    queries: Iterator[Query],
    in_flight: int,
    method: Method,
    policy: Policy,
    earlier: Earlier,
    shelf: Shelf,
    advance: Advance,
) -> None:
    """A fixed number of workers take queries one by one; what is finished is stored even when one of them fails."""

    async def work() -> None:
        for query in queries:
            shelf.add(await _collect_one(query, method, policy.for_one_query(earlier.of(query.id))))
            advance(1)

    workers = [asyncio.create_task(work()) for _ in range(in_flight)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        shelf.store()


async def _collect_one(query: Query, method: Method, own: Policy) -> Row:
    try:
        collected = await method.collect(query, own)
    except WorkerKilledError as error:
        own.abandon()
        return dead_letter(query, error)
    return collected_row(query, collected)


def collected_row(query: Query, collected: Collected) -> Row:
    """As a collection stores what a method made of a query."""
    return {
        "id": query.id,
        "rows": json.dumps([vars(row) for row in collected.rows]),
        "trace": json.dumps(collected.trace, ensure_ascii=False),
        "notes": json.dumps(collected.notes),
    }


def training_set(store: Store, collection: Artifact) -> Artifact:
    """The training rows of a collection, in the order of their ids, with counts of what was left out."""
    identity = Identity(kind="training-set", version=1, parameters={}, inputs={"collection": collection.key})

    def produce(build: Build) -> None:
        texts: Sorted[str] = Sorted(build.path)
        notes: dict[str, int] = {}
        for collected in collection.rows("rows", "notes"):
            for row in json.loads(collected["rows"]):
                texts.add(row["id"], json.dumps(row))
            for name, count in json.loads(collected["notes"]).items():
                notes[name] = notes.get(name, 0) + count
        if not texts:
            left_out = ", ".join(f"{count} left out ({why})" for why, count in notes.items() if count)
            method = collection.manifest["parameters"]["method"]
            raise InputError(
                f"method '{method}' has nothing to train on: {left_out or 'no query became a row'} ({collection.path})"
            )
        rows = map(json.loads, islice(texts, build.row_count(), None))
        while shard := list(islice(rows, TRAINING_SHARD_ROWS)):
            build.write_shard(shard)
        build.write_json("summary.json", {"rows": len(texts), "left_out": notes})

    return store.make(identity, produce)


def rows_and_left_out(training_set: Artifact) -> str:
    """How many rows there are to train on, and how many are not there for which reason."""
    summary = training_set.json("summary.json")
    left_out = "".join(f", {count} left out ({why})" for why, count in summary["left_out"].items() if count)
    return f"{summary['rows']} rows{left_out}"
