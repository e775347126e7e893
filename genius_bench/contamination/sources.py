"""Texts of training queries and of benchmark items, drawn the same way for every comparison."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

from genius_bench.corpora import Corpus
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items, question_of
from genius_bench.rows import Query
from genius_bench.seeds import seed_of

Texts = list[tuple[str, str]]
"""(id, text)."""


@dataclass(frozen=True)
class Benchmarks:
    """The items of tasks, and of those that cannot be had the reason."""

    items: dict[str, Texts]
    missing: dict[str, str] = field(default_factory=dict)


def benchmark_items(tasks: Collection[str], data: str | None, split: str | None = None) -> Benchmarks:
    items: dict[str, Texts] = {}
    missing: dict[str, str] = {}
    for name in tasks:
        card = task_card(name)
        try:
            found = load_items(card, data, split)
        except InputError as error:
            missing[name] = str(error)
            continue
        rows = zip(found.ids, found.rows, strict=True)
        items[name] = [(identifier, question_of(card, row)) for identifier, row in rows]
    return Benchmarks(items, missing)


def query_texts(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """What the user says in each query."""
    for query in corpus.queries:
        yield query.id, text_of(query)


def text_of(query: Query) -> str:
    return "\n".join(message["content"] for message in query.messages if message["role"] == "user")


def drawn(texts: Texts, count: int, name: str) -> list[str]:
    """`count` of the texts, the same ones every time."""
    ordered = sorted(texts, key=lambda one: seed_of("embedding", name, one[0]))
    return [text for _, text in islice(ordered, count)]
