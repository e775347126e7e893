"""Local corpora: every shape of file gives the same queries, and nothing is asked of a network."""

import gzip
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.corpora import Corpus, load_corpus
from genius_bench.corpora import json_array as arrays
from genius_bench.recipe import CorpusSection
from genius_bench.sampling.collecting import visible_part
from genius_bench.sampling.foresight_options import ForesightOptions
from trainers.genius import Genius

ROWS: list[dict[str, Any]] = [
    {"id": f"r{number}", "question": f"What is {number} + 1?", "answer": number + 1, "response": "It is …"}
    for number in range(30)
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a local corpus opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def load(path: Path, **section: Any) -> Corpus:
    return load_corpus(CorpusSection(name=str(path), **section))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ".json" in path.suffixes:
        text = json.dumps(rows, indent=1)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    else:
        path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz", "a.parquet"])
def test_every_kind_of_file_gives_the_same_corpus(tmp_path: Path, name: str) -> None:
    corpus = load(write(tmp_path / name, ROWS))
    assert sorted(corpus.ids()) == sorted(row["id"] for row in ROWS)
    assert corpus.fingerprint == load(write(tmp_path / "same.jsonl", ROWS[::-1])).fingerprint
    assert corpus.columns == {"query": "question", "reference": "response", "answer": "answer", "id": "id"}
    first = next(query for query in corpus.queries if query.id == "r0")
    assert (first.messages[0]["content"], first.answer, first.reference) == ("What is 0 + 1?", "1", "It is …")


def test_lines_in_a_json_file_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(json.dumps(row).encode() + b"\r\n\n" for row in ROWS))
    assert len(load(path).queries) == len(ROWS)


def test_a_folder_is_read_whole_or_its_train_split(tmp_path: Path) -> None:
    write(tmp_path / "data" / "one.jsonl", ROWS[:10])
    write(tmp_path / "two.parquet", ROWS[10:])
    write(tmp_path / ".cache" / "hidden.jsonl", [{"nothing": 1}])
    write(tmp_path / "dataset_info.json", [{"nothing": 1}])
    assert len(load(tmp_path).queries) == len(ROWS)
    write(tmp_path / "data" / "train-00000-of-00001.parquet", ROWS[:5])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", ROWS[5:])
    assert len(load(tmp_path).queries) == 5


@pytest.mark.parametrize("folder", ["magpie", "xufangzhi/Magpie_reasoning_150K_train"])
def test_a_local_copy_stands_in_for_the_papers_corpora(tmp_path: Path, folder: str) -> None:
    write(tmp_path / folder / "data" / "train.parquet", ROWS)
    corpus = load_corpus(CorpusSection(name="magpie", data=str(tmp_path)))
    assert (corpus.name, len(corpus.queries)) == ("magpie", len(ROWS))


def test_the_draw_depends_on_seed_and_rows_and_on_nothing_else(tmp_path: Path) -> None:
    path, turned = write(tmp_path / "a.jsonl", ROWS), write(tmp_path / "b.jsonl", ROWS[::-1])
    ten = load(path, queries=10)
    assert ten.ids() == load(turned, queries=10).ids()
    assert ten.ids()[:4] == load(path, queries=4).ids()
    assert set(ten.ids()) != set(load(path, queries=10, seed=1).ids())
    assert ten.fingerprint != load(path, queries=10, seed=1).fingerprint


def test_ids_made_from_content_stay_when_labels_change(tmp_path: Path) -> None:
    labelled = load(write(tmp_path / "a.jsonl", [{"query": f"q{n}", "answer": "x"} for n in range(5)]))
    bare = load(write(tmp_path / "b.jsonl", [{"query": f"q{n}"} for n in range(5)]))
    assert labelled.ids() == bare.ids()
    assert labelled.fingerprint != bare.fingerprint
    unlabelled = visible_part(labelled, Genius(ForesightOptions()))
    assert unlabelled.fingerprint == bare.fingerprint
    assert unlabelled.queries == bare.queries


def test_text_is_left_as_it_is(tmp_path: Path) -> None:
    text = "  <b>tags</b>\u2028 \x00\x07 zero\u200bwidth \t‮ right to left 😀\r\n"
    for name in ("a.jsonl", "a.json", "a.parquet"):
        (query,) = load(write(tmp_path / name, [{"query": text, "output": text}])).queries
        assert query.messages[0]["content"] == text
        assert query.reference == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, max_size=6), st.integers(1, 40), st.sampled_from([None, 2]), st.booleans())
def test_arrays_are_read_the_same_whatever_the_size_of_the_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    items: list[Any],
    chunk: int,
    indent: int | None,
    ascii_only: bool,
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.json"
    path.write_text(json.dumps(items, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, open(path, "rb") as raw:
        patch.setattr(arrays, "CHUNK", chunk)
        assert list(arrays.array_items(raw)) == items
