"""`genius-bench figure`: a paper's figure as PNG, SVG or PDF, from reported numbers, measured ones, or both."""

from pathlib import Path
from typing import Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import BoardName, Home
from genius_bench.errors import InputError
from genius_bench.printing import note, say


@app.command()
def figure(
    home: Home,
    number: Annotated[str, typer.Argument(help="Of the board's figures: 3, 4, …")],
    board: BoardName = "genius-paper",
    measured: Annotated[
        bool, typer.Option("--measured", help="Add what was measured in this home, with intervals.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="PNG, SVG, PDF, or the data as CSV or JSON, by its ending.", show_default="figureN.png"
        ),
    ] = None,
) -> None:
    """Draw a figure of a leaderboard. No browser is needed."""
    from genius_bench.boards.figures.drawing import draw
    from genius_bench.boards.figures.figure import save
    from genius_bench.boards.specification import open_leaderboard

    leaderboard = open_leaderboard(board)
    drawn = draw(leaderboard, number, home, measured=measured or not leaderboard.reported)
    for missing in drawn.missing:
        note(f"not drawn: {missing}")
    if not drawn.rows:
        raise InputError(f"figure {number} of {board} has nothing to show yet in {home}")
    path = output or Path(f"figure{number.lower().removeprefix('figure')}.png")
    save(drawn, path)
    say(f"written: {path}")
