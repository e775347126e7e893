"""Draws that lie on disk: the same queries, messages and fingerprint as if they were held in memory."""

import json
import pickle
import tracemalloc
from hashlib import sha256
from heapq import nsmallest
from pathlib import Path
from typing import Any

import duckdb
import pytest

from genius_bench import sorting
from genius_bench.artifacts import Build, Store
from genius_bench.corpora import Corpus, check_lengths, load_corpus, stored, storing
from genius_bench.errors import InputError
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Message, Query
from genius_bench.seeds import seed_of

ROWS: list[dict[str, Any]] = [
    {"id": f"r{number}", "query": f"What is {number}?" + "\n…" * (number % 50), "answer": str(number)}
    for number in range(3000)
]


@pytest.fixture(params=[1 << 26, 100_000, 2_000], ids=["in memory", "a few runs", "many runs"])
def runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", request.param)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load(path: Path, **section: Any) -> Corpus:
    return load_corpus(CorpusSection(name=str(path), **section), path.parent)


def query_of(row: dict[str, Any]) -> Query:
    messages = (Message(role="user", content=row["query"]),)
    return Query(id=row["id"], messages=messages, answer=row["answer"])


def fingerprint_of(queries: list[Query]) -> str:
    """As docs and older artifacts have it, written down here once more."""
    whole = sha256()
    for query in queries:
        turns = [[message["role"], message["content"]] for message in query.messages]
        text = json.dumps(
            [query.id, turns, query.reference, query.answer], separators=(",", ":"), ensure_ascii=False
        )
        whole.update(sha256(sha256(text.encode()).hexdigest().encode()).digest())
    return whole.hexdigest()


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("wanted", [None, 1, 40, 2999])
def test_the_draw_is_the_beginning_of_the_order_of_hashes(tmp_path: Path, wanted: int | None) -> None:
    corpus = load(write(tmp_path / "rows.jsonl", ROWS), queries=wanted, seed=5)
    order = nsmallest(wanted or len(ROWS), ROWS, key=lambda row: seed_of("corpus", 5, row["id"]))
    assert list(corpus.queries) == [query_of(row) for row in order]
    assert len(corpus.queries) == len(order)
    assert corpus.fingerprint == fingerprint_of([query_of(row) for row in order])
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.usefixtures("runs")
def test_a_repeated_id_names_both_rows_however_far_apart(tmp_path: Path) -> None:
    rows = [{"id": "", "query": "no id of its own"}, *ROWS, {**ROWS[7], "query": "another"}]
    path = write(tmp_path / "rows.jsonl", rows)
    with pytest.raises(InputError, match=r"rows.jsonl line 3002 repeats the id 'r7' of rows.jsonl line 9\."):
        load(path, queries=10)
    corpus = load(path, skip_bad_rows=True)
    assert (len(corpus.queries), corpus.skipped) == (3001, {"duplicate id": 1})


@pytest.mark.usefixtures("runs")
def test_what_is_stored_is_the_same_corpus_in_a_file_that_others_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "SHARD_ROWS", 700)
    drawn = check_lengths(
        load(write(tmp_path / "rows.jsonl", ROWS), seed=3),
        lambda query: len(query.messages[0]["content"]),
        90,
        skip=True,
    )
    assert 0 < drawn.skipped["too long"] == 3000 - len(drawn.queries)
    corpus = stored(drawn, Store(tmp_path / "home"))
    handed_over = pickle.dumps(corpus)
    received = pickle.loads(handed_over)
    assert len(handed_over) < 2000
    assert list(received.queries) == list(drawn.queries)
    assert received.fingerprint == fingerprint_of(list(drawn.queries))
    assert (received.name, received.skipped, received.columns) == (drawn.name, drawn.skipped, drawn.columns)
    files = str(tmp_path / "home" / "artifacts" / "queries" / "*" / "rows" / "*.parquet")
    read = duckdb.sql(f"select id, messages[1].content, answer from read_parquet('{files}') order by id")
    assert read.fetchall() == sorted(
        (query.id, query.messages[0]["content"], query.answer) for query in drawn.queries
    )
    shards = list(tmp_path.glob("home/artifacts/queries/*/rows/*"))
    assert len(shards) == -(-len(drawn.queries) // 700)


def test_an_interrupted_store_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "SHARD_ROWS", 400)
    corpus = load(write(tmp_path / "rows.jsonl", ROWS))
    write_shard = Build.write_shard
    left = 3

    def fail_soon(build: Build, *arguments: Any, **counts: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise RuntimeError("killed")
        write_shard(build, *arguments, **counts)

    with monkeypatch.context() as patch:
        patch.setattr(Build, "write_shard", fail_soon)
        with pytest.raises(RuntimeError):
            stored(corpus, Store(tmp_path / "home"))
    assert len(list(tmp_path.glob("home/artifacts/queries/*.partial/rows/*"))) == 3
    assert list(stored(corpus, Store(tmp_path / "home")).queries) == list(corpus.queries)


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 MB of text are drawn, fingerprinted, stored and read again in half of that."""
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for number in range(4_000):
            file.write(json.dumps({"id": f"{number}", "query": f"{number}", "response": "x" * 4000}) + "\n")
    monkeypatch.setattr(sorting, "RUN_BYTES", 1 << 20)
    monkeypatch.setattr(storing, "SHARD_ROWS", 200)
    tracemalloc.start()
    try:
        corpus = stored(load(path), Store(tmp_path / "home"))
        assert sum(len(query.reference or "") for query in corpus.queries) == 16_000_000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
