"""`genius-bench board`: all models scored on a suite, base first."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json, Suite


@app.command()
def board(
    home: Home,
    suite: Suite = None,
    means: Annotated[bool, typer.Option("--means", help="Only bases and means over training seeds.")] = False,
    cost: Annotated[bool, typer.Option("--cost", help="Show accuracy against cost as well.")] = False,
    as_json: Json = False,
) -> None:
    """Show every model scored so far, with intervals and significance against its base.

    Numbers made under different settings never share a board: the newest evaluation's settings count.
    """
    from genius_bench.evaluation.cards import resolve_suite

    tasks = resolve_suite(suite) if suite else None
    if as_json:
        from genius_bench.reporting.board import build_board

        found = build_board(home, tasks=tasks, means=means)
        under = {"settings": found.settings, "metrics": found.metrics, "not_scored": found.not_scored}
        rows = [{"name": row.label, **_plain(asdict(row)), **under} for row in found.rows]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    print_board(home, tasks=tasks, means=means, cost=cost)


def print_board(
    home: Path,
    *,
    settings: dict[str, Any] | None = None,
    tasks: Sequence[str] | None = None,
    means: bool = False,
    cost: bool = False,
) -> None:
    """The board on standard output."""
    from rich.console import Console

    from genius_bench.reporting.board import build_board
    from genius_bench.reporting.terminal import show_board

    console = Console(file=sys.stdout)
    board = build_board(home, settings=settings, tasks=tasks, means=means)
    show_board(board, console, cost=cost)


def _plain(value: Any) -> Any:
    """Named tuples as objects, so that JSON keeps their names."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
