"""Bad input: one clear line that says what and where, exit code 2; or skipped and counted."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genius_bench.corpora import Corpus, check_lengths, load_corpus
from genius_bench.errors import InputError
from genius_bench.recipe import CorpusSection

GOOD = b'{"id": "a", "query": "Why?"}\n{"id": "b", "query": "How?"}\n'


def load(path: Path, **section: Any) -> Corpus:
    return load_corpus(CorpusSection(name=str(path), **section))


def complaint(action: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        action()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


BAD_LINES = [
    (b'{"id": "c", "query": "Wh', "broken JSON", "rows.jsonl line 3 is not valid JSON: Unterminated string"),
    (b'["a", "list"]', "broken JSON", "line 3 is a JSON list, not an object"),
    (b"null", "broken JSON", "line 3 is a JSON NoneType, not an object"),
    (b"[" * 100_000, "broken JSON", "line 3 is not valid JSON"),
    (b'{"id": "c"}', "no query", "line 3 has no query"),
    (b'{"id": "c", "query": null}', "no query", "line 3 has no query"),
    (b'{"id": "c", "query": " \\n"}', "no query", "line 3 has no query"),
    (b'{"id": "c", "query": []}', "no query", "line 3 has no query"),
    (b'{"id": "c", "query": [{"role": "system", "content": "x"}]}', "no query", "line 3 has no query"),
    (
        b'{"id": "c", "query": [{"role": "tool", "content": "x"}]}',
        "unusable cell",
        "line 3 has a turn in 'query'",
    ),
    (b'{"id": "c", "query": {"a": 1}}', "unusable cell", "line 3 has a dict in 'query' where text belongs"),
    (b'{"id": "c", "query": "\\ud800"}', "unusable cell", "line 3 has half a surrogate pair in 'query'"),
    (b'{"id": "a", "query": "What?"}', "duplicate id", "line 3 repeats the id 'a' of rows.jsonl line 1"),
    (b'{"id": "c", "query": "caf\xe9"}', "not UTF-8", "line 3 (byte 83 of the file) is not UTF-8"),
]


@pytest.mark.parametrize(("line", "reason", "message"), BAD_LINES)
def test_a_bad_line_is_named_or_skipped_and_counted(
    tmp_path: Path, line: bytes, reason: str, message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + line + b'\n{"id": "z", "query": "When?"}\n')
    said = complaint(lambda: load(path))
    assert message in said
    assert "corpus.skip_bad_rows=true" in said
    corpus = load(path, skip_bad_rows=True)
    assert sorted(corpus.ids()) == ["a", "b", "z"]
    assert corpus.skipped == {reason: 1}


def test_a_question_repeated_in_a_file_without_ids_is_kept_once_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"query": "Why?"}\n{"query": "How?"}\n{"query": "Why?"}\n')
    corpus = load(path)
    assert (len(corpus.queries), corpus.skipped) == (2, {"repeated query": 1})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "corpus a.jsonl is empty"),
        ("a.jsonl", b"\n\n", "corpus a.jsonl is empty"),
        ("a.json", b"[]", "corpus a.json is empty"),
        ("a.json", b'[{"query": "a"},\n{"query": }]', "a.json line 2 is not valid JSON: Expecting value"),
        (
            "a.json",
            b'[{"query": "a"}\n{"query": "b"}]',
            "a.json line 2 is not valid JSON: ']' expected, '{' found",
        ),
        ("a.json", b'[{"query": "a"}', "a.json line 1 is not valid JSON: ']' expected, end of file found"),
        ("a.json", b'[{"query": "a"}] x', "a.json line 1 is not valid JSON: end of file expected, 'x' found"),
        ("a.json", b'[{"query": "a"}, "b"]', "a.json item 1 is a JSON str, not an object"),
        ("a.json", b'[{"query": "caf\xe9"}]', "a.json is not UTF-8 near byte 15"),
        # Without a fixed time two test processes could name this case differently, and pytest-xdist would refuse both.
        ("a.jsonl.gz", gzip.compress(GOOD, mtime=0)[:-12], "cannot be unpacked"),
        ("a.jsonl.gz", b"not gzip", "cannot be unpacked"),
        ("a.parquet", b"not parquet", "is not a readable Parquet file"),
        ("a.txt", b"Why?", "must end in one of .jsonl"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert message in complaint(lambda: load(path))
    assert message.split(":")[0] in complaint(lambda: load(path, skip_bad_rows=True))


def test_a_parquet_file_without_rows_or_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"query": pa.array([], pa.string())}), path)
    assert "a.parquet is empty" in complaint(lambda: load(path))
    offsets, data = pa.array([0, 4, 8], pa.int32()).buffers()[1], pa.py_buffer(b"Why?caf\xe9")
    pq.write_table(pa.table({"query": pa.StringArray.from_buffers(2, offsets, data)}), path)
    assert "a.parquet row 1 is not UTF-8" in complaint(lambda: load(path))
    assert load(path, skip_bad_rows=True).skipped == {"not UTF-8": 1}


def test_all_rows_skipped_is_an_empty_corpus_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"query": ""}\n{"query": null}\nbroken\n')
    said = complaint(lambda: load(path, skip_bad_rows=True))
    assert "all rows were skipped (broken JSON: 1, no query: 2)" in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.jsonl", "corpus file nowhere.jsonl does not exist"),
        ("./nowhere", "corpus file nowhere does not exist"),
        ("magpi", "did you mean 'magpie'"),
        ("no such thing", "unknown corpus 'no such thing'"),
    ],
)
def test_a_corpus_that_is_not_there_is_named(name: str, message: str) -> None:
    assert message in complaint(lambda: load_corpus(CorpusSection(name=name)))


def test_folders_without_data_are_named(tmp_path: Path) -> None:
    assert "holds no file that ends in" in complaint(lambda: load(tmp_path))
    section = CorpusSection(name="magpie", data=str(tmp_path))
    assert "there is no" in complaint(lambda: load_corpus(section))


def test_more_queries_than_there_are_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD)
    assert "has 2 usable rows, fewer than the 3 asked for" in complaint(lambda: load(path, queries=3))


def test_a_query_that_is_too_long_is_named_with_its_length_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "long", "query": "x" * 100}) + "\n" + GOOD.decode())
    corpus = load(path)

    def count(query: Any) -> int:
        return 3 + len(query.messages[0]["content"])

    assert check_lengths(corpus, count, 103) == corpus
    assert "row 'long' is 103 tokens long, 102 are allowed" in complaint(
        lambda: check_lengths(corpus, count, 102)
    )
    kept = check_lengths(replace(corpus, find_place=pytest.fail), count, 102, skip=True)
    assert (sorted(kept.ids()), kept.skipped) == (["a", "b"], {"too long": 1})
    assert kept.fingerprint != corpus.fingerprint
    assert "no query can be asked (too long: 3; at most 1 tokens are allowed" in complaint(
        lambda: check_lengths(corpus, count, 1, skip=True)
    )
