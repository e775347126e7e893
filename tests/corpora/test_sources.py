"""Corpora by name: the lab's, the paper's through the hub, and real query files."""

import os
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from genius_bench.corpora import load_corpus
from genius_bench.errors import InputError
from genius_bench.lab.documents import draw
from genius_bench.recipe import CorpusSection

DATA = Path(os.environ.get("GENIUS_BENCH_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
COMMIT = "c0ffee" * 6 + "beef"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub that holds one data set of 26 000 rows and notes what it is asked."""
    asked: list[dict[str, Any]] = []

    def dataset_info(_: object, identifier: str, revision: str | None, timeout: float) -> SimpleNamespace:
        asked.append({"identifier": identifier, "revision": revision})
        return SimpleNamespace(sha=COMMIT)

    def load_dataset(
        identifier: str, config: str | None, split: str, revision: str | None
    ) -> list[dict[str, str]]:
        asked.append({"identifier": identifier, "config": config, "split": split, "revision": revision})
        return [{"query": f"Question {number}?"} for number in range(26_000)]

    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    return asked


def test_the_lab_has_a_thousand_labelled_queries_and_as_many_as_asked() -> None:
    corpus = load_corpus(CorpusSection())
    assert (corpus.name, len(corpus.queries), corpus.skipped) == ("lab", 1000, {})
    assert all(query.reference and query.answer for query in corpus.queries)
    assert len(load_corpus(CorpusSection(queries=17)).queries) == 17
    assert load_corpus(CorpusSection()).fingerprint == corpus.fingerprint
    assert load_corpus(CorpusSection(seed=1)).fingerprint != corpus.fingerprint


def test_a_paper_corpus_is_drawn_from_the_commit_that_the_hub_names(hub: list[dict[str, Any]]) -> None:
    corpus = load_corpus(CorpusSection(name="magpie"))
    identifier = "xufangzhi/Magpie_reasoning_150K_train"
    assert len(set(corpus.ids())) == 25_000
    assert corpus.origin == {"hub_id": identifier, "revision": COMMIT}
    assert hub == [
        {"identifier": identifier, "revision": None},
        {"identifier": identifier, "config": None, "split": "train", "revision": COMMIT},
    ]


def test_a_recipe_can_pin_the_revision_and_name_config_and_split(hub: list[dict[str, Any]]) -> None:
    corpus = load_corpus(CorpusSection(name="openai/gsm8k:main:test", revision="v1", queries=5))
    assert len(corpus.queries) == 5
    assert hub[0] == {"identifier": "openai/gsm8k", "revision": "v1"}
    assert hub[1] == {"identifier": "openai/gsm8k", "config": "main", "split": "test", "revision": COMMIT}


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Name or service not known\nand much more")

    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    with pytest.raises(InputError) as caught:
        load_corpus(CorpusSection(name="openhermes"))
    assert "cannot read data set xufangzhi/OpenHermes_48K_train from the hub: Name or service" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "rows"), [("dolly_subset.jsonl.gz", 4605), ("gpteacher_roleplay_codegen.jsonl.gz", 6458)]
)
def test_real_query_files_load_with_recognised_columns(file: str, rows: int) -> None:
    path = DATA / "train_queries" / file
    if not path.exists():
        pytest.skip(f"{path} is not there (GENIUS_BENCH_TEST_DATA names the folder of real items)")
    corpus = load_corpus(CorpusSection(name=str(path)))
    assert (len(corpus.queries), corpus.skipped) == (rows, {})
    assert corpus.columns == {"query": "instruction", "query_input": "input", "reference": "output"}
    assert all(
        query.messages[0]["content"].strip() and query.reference is not None for query in corpus.queries
    )


def test_more_queries_than_the_lab_has_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    one = draw("lab_facts", Random(0), "training", 1)
    monkeypatch.setattr("genius_bench.lab.items.draw", lambda *_: one)  # it would take long to exhaust them
    assert len(load_corpus(CorpusSection(name="lab", queries=1)).queries) == 1
    with pytest.raises(
        InputError, match=r"^corpus lab: 2 queries are more than there are .*: ask for fewer$"
    ):
        load_corpus(CorpusSection(name="lab", queries=2))
