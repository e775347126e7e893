"""`genius-bench board`: all models scored on a suite, base first; on the terminal or as a site."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json, Suite
from genius_bench.printing import counted, open_console, plain, say, say_json

PORT = 8642


@app.command()
def board(
    home: Home,
    suite: Suite = None,
    means: Annotated[
        bool, typer.Option("--means", help="Means over training seeds in place of single ones.")
    ] = False,
    number: Annotated[
        int,
        typer.Option(
            "--number", min=1, help="Another board, as listed beneath the first.", show_default=False
        ),
    ] = 1,
    cost: Annotated[bool, typer.Option("--cost", help="Show accuracy against cost as well.")] = False,
    as_json: Json = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="DIR",
            help="Write all of it as a site that needs no server.",
            show_default=False,
        ),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show the site at 127.0.0.1 until Ctrl-C.")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --serve; 0 takes a free one.")
    ] = PORT,
    boards: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            metavar="NAME",
            help="A leaderboard to show on the site, installed or a folder; may be repeated.",
            show_default="all installed ones",
        ),
    ] = None,
) -> None:
    """Show every model scored so far, with intervals and significance against its base.

    Numbers made under different settings never share a board: the one with most models is shown, the others are listed
    beneath it (--number). The site
    (--html, --serve) holds all of them, with every run, every answer, and every foresight tree.
    """
    if html is not None or serve:
        _site(home, html, boards, port if serve else None)
        return
    from genius_bench.evaluation.cards import resolve_suite

    tasks = resolve_suite(suite) if suite else None
    if as_json:
        from genius_bench.reporting.board import build_board

        found = build_board(home, tasks=tasks, means=means, number=number)
        under = {"settings": found.settings, "metrics": found.metrics, "not_scored": found.not_scored}
        rows = [{"name": row.label, **plain(row), **under} for row in found.rows]
        say_json(rows)
        return
    print_board(home, tasks=tasks, means=means, cost=cost, number=number)


def print_board(
    home: Path,
    *,
    settings: dict[str, Any] | None = None,
    tasks: Sequence[str] | None = None,
    means: bool = False,
    cost: bool = False,
    number: int = 1,
) -> None:
    """The board on standard output."""

    from genius_bench.reporting.board import build_board
    from genius_bench.reporting.terminal import show_board

    console = open_console()
    board = build_board(home, settings=settings, tasks=tasks, means=means, number=number)
    show_board(board, console, cost=cost)


def _site(home: Path, target: Path | None, boards: Sequence[str] | None, port: int | None) -> None:
    """Builds the site (into a temporary folder when none is named), and serves it where a port is given."""
    from tempfile import TemporaryDirectory

    from genius_bench.site.building import build_site
    from genius_bench.site.serving import SiteServer, serve

    with TemporaryDirectory(prefix="genius-bench-board-") as temporary:
        site = build_site(home, target.expanduser() if target else Path(temporary), boards)
        left_out = f", {len(site.problems)} left out" if site.problems else ""
        counts = [(site.runs, "run"), (site.models, "model"), (site.answers, "graded answer")]
        say(", ".join(counted(*count) for count in counts) + left_out)
        if target is not None:
            say(f"open {site.page}")
        if port is not None:
            server = SiteServer(site.page.parent, port)
            say(f"serving {server.address} (Ctrl-C ends)")
            sys.stdout.flush()
            serve(server)
