"""`genius-bench reproduce`: runs what a table lacks, then prints it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import BoardName, Data, EngineName, Home, Json, Set, Workers
from genius_bench.cli.planning import DryRun, ResponseTokens, Throughput, given_throughput, print_plan
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.layers import Layer, merge, parse_assignments
from genius_bench.printing import counted, note, open_console

if TYPE_CHECKING:
    from genius_bench.boards.specification import Leaderboard
    from genius_bench.planning.throughput import Throughput as Given

FREE: dict[str, set[str] | None] = {
    "engine": None,
    "launch": None,
    "training": {"micro_batch_size", "precision", "gradient_checkpointing", "attention", "layout", "packing"},
    "evaluation": {"data", "judge", "unsafe_code"},
    "corpus": {"data"},
}
"""What may be set: how and where a run is made. What it is, the board says."""


@app.command()
def reproduce(
    home: Home,
    tables: Annotated[list[str], typer.Argument(help="table1, table3, … or all.")],
    board: BoardName = "genius-paper",
    seeds: Annotated[
        str | None, typer.Option(help="Comma-separated training seeds.", show_default="the board's")
    ] = None,
    data: Data = None,
    engine: EngineName = None,
    workers: Workers = None,
    set_: Set = None,
    dry_run: DryRun = False,
    throughput: Throughput = None,
    response_tokens: ResponseTokens = None,
    json_output: Json = False,
) -> None:
    """Train and score whatever the tables of a board lack, then print them beside the reported numbers.

    What other tables or commands have made already is found. Interrupted, the same command goes on.
    """
    from genius_bench.boards.specification import open_leaderboard

    leaderboard = open_leaderboard(board)
    numbers = leaderboard.tables() if tables == ["all"] else [leaderboard.table_name(name) for name in tables]
    chosen = _seeds(seeds)
    given = {
        "engine": {"name": engine, "workers": workers},
        "evaluation": {"data": str(data) if data else None},
    }
    overrides = merge(_allowed(parse_assignments(set_ or [])), _present(given))
    speed = given_throughput(dry_run, throughput, response_tokens, needed=("sampling", "training"))
    if dry_run:
        _plan(leaderboard, numbers, home, chosen, overrides, speed, as_json=json_output)
        return
    from genius_bench.artifacts import Store
    from genius_bench.boards.reproducing import reproduce as run_grid
    from genius_bench.processes import warm_up

    warm_up()
    Store(home)
    outcome = run_grid(leaderboard, numbers, home, seeds=chosen, overrides=overrides)
    _print(leaderboard, numbers, home)
    if outcome.failed:
        raise GeniusBenchError(f"{counted(len(outcome.failed), 'run')} failed: {'; '.join(outcome.failed)}")


def _plan(
    leaderboard: "Leaderboard",
    numbers: list[str],
    home: Path,
    seeds: list[int],
    overrides: Layer,
    speed: "Given | None",
    *,
    as_json: bool,
) -> None:
    """What is missing, and what all of it takes together; shared work counts once."""
    from genius_bench.boards.grid import grid_of
    from genius_bench.planning.planner import plan

    grid = grid_of(leaderboard, numbers, home, seeds)
    note(f"{len(grid.missing)} of {len(grid.wanted)} runs are missing")
    for one in grid.missing:
        note(f"  {one.title}: {', '.join(one.missing)}")
    for table in grid.similarities:
        note(f"  table {table}: similarities of queries and items, which take no run")
    recipes = [one.resolved(overrides) for one in grid.missing if one.layer is not None]
    if recipes:
        print_plan(plan(home, recipes, throughput=speed), as_json=as_json)


def _print(leaderboard: "Leaderboard", numbers: list[str], home: Path) -> None:

    from genius_bench.boards.checks import check
    from genius_bench.boards.filling import fill
    from genius_bench.boards.rendering.terminal import show
    from genius_bench.boards.sheet import sheet_of

    console = open_console()
    for number in numbers:
        filled = fill(leaderboard, number, home)
        findings = [finding.text for finding in check(filled, leaderboard.spec)]
        show(sheet_of(filled, "both" if leaderboard.reported else "measured", findings), console)
        console.print()


def _seeds(text: str | None) -> list[int]:
    try:
        return [int(part) for part in text.split(",")] if text else []
    except ValueError:
        raise InputError(f"--seeds {text}: write numbers with commas between them, as in 0,1,2") from None


def _allowed(layer: Layer) -> Layer:
    """Refuses what would make another run than the board's."""
    for section, values in layer.items():
        keys = FREE.get(section, set())
        wrong = (
            [section] if not isinstance(values, dict) else [] if keys is None else sorted(set(values) - keys)
        )
        if wrong:
            raise InputError(
                f"--set {section}.{wrong[0]}: the board says what a run is; to change it, copy its folder and "
                "give that with --board"
            )
    return layer


def _present(layer: Layer) -> Layer:
    kept = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in layer.items()
    }
    return {section: values for section, values in kept.items() if values}
