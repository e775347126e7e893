"""`genius-bench table`: a paper's table as reported, as measured here, or the two side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import BoardName, Home
from genius_bench.errors import InputError
from genius_bench.printing import hand_over, note, open_console
from genius_bench.readable import readable_json

if TYPE_CHECKING:
    from genius_bench.boards.cells import Table

FORMATS = ("terminal", "markdown", "latex", "html", "csv", "json")
BY_ENDING = {".md": "markdown", ".tex": "latex", ".html": "html", ".csv": "csv", ".json": "json"}


@app.command()
def table(
    home: Home,
    number: Annotated[str, typer.Argument(help="Of the board's tables: 1, 2, …")],
    board: BoardName = "genius-paper",
    measured: Annotated[
        bool, typer.Option("--measured", help="Only what was measured in this home.")
    ] = False,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Reported and measured numbers, with a verdict on each.")
    ] = False,
    format: Annotated[
        str | None, typer.Option(help=", ".join(FORMATS), show_default="the output's ending, or terminal")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A file instead of standard output.", show_default=False)
    ] = None,
) -> None:
    """Print a table of a leaderboard: the paper's numbers (the default), yours, or both.

    A board without reported numbers (the lab's) shows what was measured. csv and json hold both, cell by cell.
    """
    from genius_bench.boards.checks import check
    from genius_bench.boards.filling import fill
    from genius_bench.boards.specification import open_leaderboard

    format = format or (output and BY_ENDING.get(output.suffix)) or "terminal"
    if format not in FORMATS:
        raise InputError(f"--format {format}: choose one of {', '.join(FORMATS)}")
    if measured and side_by_side:
        raise InputError("--measured and --side-by-side: choose one of them")
    leaderboard = open_leaderboard(board)
    if side_by_side and not leaderboard.reported:
        raise InputError(f"board {board} has no reported numbers to stand beside: leave --side-by-side out")
    wants_measured = measured or side_by_side or not leaderboard.reported or format in ("csv", "json")
    filled = fill(leaderboard, number, home if wants_measured else None)
    findings = [finding.text for finding in check(filled, leaderboard.spec)] if not measured else []
    show = "both" if side_by_side else "measured" if measured or not leaderboard.reported else "reported"
    _write(filled, show, findings, format, output)


def _write(filled: "Table", show: str, findings: list[str], format: str, output: Path | None) -> None:
    from genius_bench.boards.records import to_csv, to_json
    from genius_bench.boards.rendering import html, latex, markdown, terminal
    from genius_bench.boards.sheet import sheet_of

    if format == "terminal" and output is None:
        terminal.show(sheet_of(filled, show, findings), open_console())  # type: ignore[arg-type]
        return
    if format == "terminal":
        raise InputError("--output needs another --format than terminal: markdown, latex, html, csv or json")
    if format in ("csv", "json"):
        text = to_csv(filled) if format == "csv" else to_json(filled)
    else:
        of = {"markdown": markdown.markdown, "latex": latex.latex, "html": html.html}[format]
        text = of(sheet_of(filled, show, findings))  # type: ignore[arg-type]
    if output is None:
        hand_over(readable_json(text) if format == "json" else text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror or error}") from error
    note(f"written: {output}")
