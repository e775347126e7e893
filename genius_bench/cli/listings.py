"""`genius-bench methods | objectives | corpora`: what there is."""

from typing import Annotated, Any

import typer

from genius_bench import registry
from genius_bench.cli import app
from genius_bench.cli.options import Json, Set
from genius_bench.printing import cell, new_table, open_console, say, say_json


def show_rows(rows: list[dict[str, Any]], as_json: bool, only_json: tuple[str, ...] = ()) -> None:
    """A table, without the columns that would not fit it, or everything as JSON."""
    if as_json:
        say_json(rows)
        return
    table = new_table()
    shown = [column for column in (rows[0] if rows else ()) if column not in only_json]
    for column in shown:
        number = isinstance(rows[0][column], int | float)
        table.add_column(
            column,
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=number or column in ("name", "grader"),
        )
    for row in rows:
        table.add_row(*(cell(_plain(row[column])) for column in shown))
    open_console().print(table)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else "–" if value is None else str(value)


@app.command()
def methods(as_json: Json = False) -> None:
    """List the self-training methods that are installed, group by group, with what they need and cost as they come.

    Numbers are per query, all iterations together; `cost` is in multiples of fine-tuning on one labelled response.
    --json also has objectives, variants and papers, as docs/methods.md does.
    """
    from genius_bench.method_map import GROUPS, NUMBERS, method_facts

    facts = method_facts()
    if as_json:
        say_json(facts)
        return
    table = new_table("name", "needs", "rounds", "sampled", "judged", "trained", "cost")
    table.columns[1].justify = "left"
    for group, title in GROUPS.items():
        members = [one for one in facts if one["group"] == group]
        if members:
            table.add_row(cell(f"{title}:"))
        for one in members:
            shown = [", ".join(one["needs"][1:]) or "–", *(_plain(one[key]) for key in NUMBERS)]
            table.add_row(*map(cell, (f"  {one['name']}", *shown)))
    open_console().print(table)


@app.command()
def objectives(as_json: Json = False) -> None:
    """List the training objectives."""
    rows = []
    for name in registry.names("objectives"):
        objective = registry.load("objectives", name)
        parameters = {key: field.default for key, field in objective.model_fields.items()}
        rows.append(
            {
                "name": name,
                "title": objective.title,
                "eats": objective.eats,
                "parameters": parameters if as_json else ", ".join(f"{k}={v}" for k, v in parameters.items()),
                "source": objective.source,
            }
        )
    show_rows(rows, as_json)


@app.command()
def corpora(
    name: Annotated[
        str, typer.Argument(help="A corpus: print the ids of its draw.", show_default=False)
    ] = "",
    queries: Annotated[int | None, typer.Option(help="How many queries to draw.", show_default=False)] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """List the named query corpora, or the queries that a run on one would draw.

    Any JSONL/Parquet file, folder or hub id is a corpus as well.
    """
    if name:
        from genius_bench.corpora import load_corpus
        from genius_bench.layers import merge, parse_assignments, section_of, validate
        from genius_bench.recipe import CorpusSection

        asked = section_of(parse_assignments(set_ or []), "corpus")
        given = {"name": name} | ({"queries": queries} if queries is not None else {})
        ids = load_corpus(validate(CorpusSection, merge(asked, given), "corpus")).ids()
        if as_json:
            say_json(ids)
        else:
            say("\n".join(ids))
        return
    rows = []
    for plugin in registry.names("corpora"):
        opener = registry.load("corpora", plugin)
        summary = (opener.__doc__ or "").strip().splitlines()
        rows.append({"name": plugin, "description": summary[0] if summary else ""})
    show_rows(rows, as_json)
