"""`genius-bench contamination`: how near training queries come to the items that a model is scored on."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Data, Home, Json, Suite
from genius_bench.errors import InputError
from genius_bench.printing import new_table, note, open_console, say_json, words

if TYPE_CHECKING:
    from genius_bench.contamination.comparing import Similarities
    from genius_bench.contamination.overlap import Overlap


@app.command()
def contamination(
    home: Home,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="A named corpus, a file or a hub id; may be repeated.", show_default="lab"),
    ] = None,
    suite: Suite = None,
    data: Data = None,
    queries: Annotated[int, typer.Option(help="Of each set, for the embeddings.", min=2)] = 500,
    embedder: Annotated[
        str, typer.Option(help="A sentence-embedding model (folder or hub id), or tfidf for none.")
    ] = "tfidf",
    as_json: Json = False,
) -> None:
    """Compare training queries with benchmark items: shared word sequences, and similarity of their embeddings.

    The paper's Table 5 and Figure 7 are drawn from what this leaves in the home.
    """
    from genius_bench.artifacts import Store
    from genius_bench.contamination.comparing import compare_sets
    from genius_bench.contamination.overlap import find_overlap
    from genius_bench.contamination.sources import benchmark_items, query_texts
    from genius_bench.corpora import load_corpus
    from genius_bench.evaluation.cards import resolve_suite
    from genius_bench.recipe import CorpusSection

    names = corpus or ["lab"]
    tasks = resolve_suite(suite or ("lab" if names == ["lab"] else "reasoning"))
    benchmarks = benchmark_items(tasks, str(data) if data else None)
    for task, reason in benchmarks.missing.items():
        note(f"left out: {task} ({reason})")
    if not benchmarks.items:
        raise InputError("no task's items could be had: give their folder with --data")
    folder = str(data) if data else None
    corpora = {name: list(query_texts(load_corpus(CorpusSection(name=name, data=folder)))) for name in names}
    overlaps = {name: find_overlap(texts, benchmarks.items) for name, texts in corpora.items()}
    alike = compare_sets(Store(home), corpora, benchmarks.items, count=queries, embedder=embedder)
    if as_json:
        say_json(_records(overlaps, alike))
        return
    _show(overlaps, alike)


def _records(overlaps: "dict[str, Overlap]", alike: "Similarities") -> list[dict[str, Any]]:
    return [
        {
            "name": f"{corpus}/{task.task}",
            "corpus": corpus,
            "queries": overlap.queries,
            **asdict(task),
            "embedder": alike.embedder,
            "similarity": alike.values[task.task][corpus],
            "similarity_within_task": alike.values[task.task]["self"],
        }
        for corpus, overlap in overlaps.items()
        for task in overlap.tasks
    ]


def _show(overlaps: "dict[str, Overlap]", alike: "Similarities") -> None:
    from genius_bench.contamination.comparing import described
    from genius_bench.contamination.overlap import SEQUENCE

    console = open_console()
    for corpus, overlap in overlaps.items():
        share = f"{overlap.queries_meeting} of {overlap.queries} queries share {SEQUENCE} words in a row with an item"
        console.print(words(f"{corpus}: {share}", style="bold"))
        columns = ("task", "items", "met", "whole", "too short", "cosine", "within")
        table = new_table(*columns, padding=(0, 2, 0, 0))
        for task in overlap.tasks:
            values = alike.values[task.task]
            counts = (task.items, task.items_met, task.items_inside, task.too_short)
            table.add_row(task.task, *map(str, counts), f"{values[corpus]:.4f}", f"{values['self']:.4f}")
        console.print(table)
        for meeting in (one for task in overlap.tasks for one in task.examples):
            console.print(
                words(f"  {meeting.task} {meeting.item} ~ query {meeting.query}: “{meeting.words}”")
            )
        console.print()
    small = (
        f"met: items that share {SEQUENCE} words in a row with a query (all their words where they have fewer); whole: "
        f"items that lie whole in one. cosine: mean over pairs of a query and an item, within: of two items; by "
        f"{described(alike.embedder)}, up to {alike.queries} texts a set."
    )
    console.print(words(small, style="dim"))
