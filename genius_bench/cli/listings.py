"""`genius-bench methods | objectives | tasks | corpora`: what there is."""

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genius_bench import registry
from genius_bench.cli import app
from genius_bench.cli.options import Json


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(
            *(Text(", ".join(value) if isinstance(value, list) else str(value)) for value in row.values())
        )
    Console().print(table)


@app.command()
def methods(as_json: Json = False) -> None:
    """List the self-training methods that are installed."""
    rows = []
    for name in registry.names("methods"):
        method = registry.load("methods", name)
        rows.append(
            {
                "name": name,
                "title": method.title,
                "needs": ["queries", *sorted(method.needs)],
                "objective": method.objective["name"],
                "variants": list(method.variants),
                "source": method.source,
            }
        )
    _show(rows, as_json)


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
    _show(rows, as_json)


@app.command()
def tasks(as_json: Json = False) -> None:
    """List the evaluation tasks."""
    from genius_bench.evaluation.cards import available_tasks

    rows = [
        {
            "name": card.name,
            "grader": card.facts.grader,
            "items": card.facts.expected_items,
            "shots": card.shots,
            "licence": card.facts.licence,
            "source": card.facts.source,
        }
        for card in available_tasks()
    ]
    _show(rows, as_json)


@app.command()
def corpora(as_json: Json = False) -> None:
    """List the named query corpora. Any JSONL/Parquet file, folder or hub id works as well."""
    rows = []
    for name in registry.names("corpora"):
        opener = registry.load("corpora", name)
        summary = (opener.__doc__ or "").strip().splitlines()
        rows.append({"name": name, "description": summary[0] if summary else ""})
    _show(rows, as_json)
