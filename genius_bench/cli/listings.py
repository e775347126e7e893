"""`genius-bench methods | objectives | corpora`: what there is."""

from textwrap import fill, indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench import registry
from genius_bench.cli import app
from genius_bench.cli.options import Json, Set, completed
from genius_bench.layers import leaves
from genius_bench.printing import cell, new_table, open_console, say, say_json, words

if TYPE_CHECKING:
    from genius_bench.reference import Option

LONGEST_WORD = 20
"""Characters of a word that no column breaks."""


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
            min_width=min(
                LONGEST_WORD, max(len(word) for row in rows for word in _plain(row[column]).split() or [""])
            ),
        )
    for row in rows:
        table.add_row(*(cell(_plain(row[column])) for column in shown))
    open_console().print(table)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else "–" if value is None else str(value)


@app.command()
def methods(
    name: Annotated[
        str,
        typer.Argument(
            help="A group of them, or one with its variants and options.",
            show_default=False,
            autocompletion=completed("methods"),
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """List the self-training methods that are installed, group by group; one group with its numbers, or one method.

    Numbers are per query, all iterations together; `cost` is in multiples of fine-tuning on one labelled response.
    --json also has objectives, variants and papers, as docs/methods.md does.
    """
    from genius_bench.method_map import GROUPS, NUMBERS, method_facts

    facts = [one for one in method_facts() if name in ("", one["name"], one["group"])]
    if name and name not in GROUPS:
        registry.check("methods", name, also=GROUPS)
        _show_method(facts[0], as_json)
        return
    if as_json:
        say_json(facts)
        return
    if name:
        table = new_table(GROUPS[name], "needs", "rounds", "sampled", "judged", "trained", "cost")
        table.columns[1].justify = "left"
        for one in facts:
            needs = ", ".join(one["needs"][1:]) or "–"
            table.add_row(*map(cell, (one["name"], needs, *(_plain(one[key]) for key in NUMBERS))))
    else:
        table = new_table("group")
        table.add_column("methods, and the labels that they need")
        for group in dict.fromkeys(one["group"] for one in facts):
            members = [one for one in facts if one["group"] == group]
            table.add_row(cell(group), cell(", ".join(map(_with_needs, members))))
    open_console().print(table)


def _with_needs(one: dict[str, Any]) -> str:
    return f"{one['name']} ({' + '.join(one['needs'][1:])})" if one["needs"][1:] else str(one["name"])


def _show_method(facts: dict[str, Any], as_json: bool) -> None:
    from genius_bench.reference import as_objects, options

    name = str(facts["name"])
    found = {title: one for title, one in options(name).items() if title == f"method {name}"}
    variants = {title: layer for title, layer in registry.load("methods", name).variants.items() if layer}
    if as_json:
        say_json(facts | {"variants": variants, "options": as_objects(found)})
        return
    say(f"{name}: {facts['title']} ({facts['source']})\n{facts['what']}")
    say(f"needs {', '.join(facts['needs'])}; objective {facts['objective']}; rounds {facts['iterations']}")
    for title, layer in variants.items():
        say(f"--variant {title}: {', '.join(f'{key}={value}' for key, value in leaves(layer).items())}")
    _say_options(found)


@app.command()
def options(
    name: Annotated[
        str, typer.Argument(help="A section of the recipe, a method or an objective.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """List everything that can be set (--set KEY=VALUE), with its default and what it means."""
    from genius_bench.reference import as_objects
    from genius_bench.reference import options as found_options

    found = found_options(name)
    if as_json:
        say_json(as_objects(found))
    else:
        _say_options(found)


def _say_options(found: "dict[str, list[Option]]") -> None:
    console = open_console()
    margin = " " * 6
    for title, several in found.items():
        console.print(words(f"\n{title}", style="bold"))
        for one in several:
            default = "" if one.default is None else f" = {one.default}"
            console.print(words(f"  {one.key}{default}   ({one.kind})"))
            if one.doc:
                console.print(words(indent(fill(one.doc, console.width - len(margin)), margin), style="dim"))


@app.command()
def objectives(as_json: Json = False) -> None:
    """List the training objectives: of rows that were sampled before, and (of rollouts) of online methods."""
    from genius_bench.declared import declared  # their classes are read: importing them takes seconds

    rows = []
    for kind, name in [
        (one, name) for one in ("objectives", "token_objectives") for name in registry.names(one)
    ]:
        objective = declared(registry.place(kind, name))
        parameters = {key: one.value for key, one in objective.fields.items()}
        own = parameters if kind == "objectives" or as_json else _differing(parameters)
        rows.append(
            {
                "name": name,
                "title": objective.constants["title"],
                "eats": objective.constants.get("eats", "rollouts"),
                "parameters": own if as_json else ", ".join(f"{k}={v}" for k, v in own.items()),
                "source": objective.constants["source"],
            }
        )
    show_rows(rows, as_json, only_json=("source",))


def _differing(parameters: dict[str, Any]) -> dict[str, Any]:
    """Of a token objective, what it changes in the one that they all share (`genius-bench options token-mean`)."""
    from genius_bench.declared import declared

    shared = declared(registry.place("token_objectives", "token-mean")).fields
    return {key: value for key, value in parameters.items() if value != shared[key].value}


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
