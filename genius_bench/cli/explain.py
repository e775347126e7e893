"""`genius-bench explain`: from a number back to the queries that it came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import BoardName, Home, Json
from genius_bench.errors import InputError
from genius_bench.printing import plain, say, say_json

if TYPE_CHECKING:
    from genius_bench.boards.cells import Cell, Measured, Table
    from genius_bench.boards.specification import Column, Leaderboard, RowSpec
    from genius_bench.reporting.lineage import Step

SHOWN = 12
"""Characters of a key or fingerprint."""


@app.command()
def explain(
    home: Home,
    cell: Annotated[
        str, typer.Argument(help="Its path (table1/magpie/genius/gsm8k); a part of it lists what fits.")
    ],
    board: BoardName = "genius-paper",
    as_json: Json = False,
) -> None:
    """Walk from a cell of a table back to its queries: verdict, models, answers, checkpoints, training sets, corpus."""
    from genius_bench.boards.filling import fill
    from genius_bench.boards.specification import open_leaderboard

    leaderboard = open_leaderboard(board)
    fitting = _fitting(leaderboard, cell)
    if len(fitting) > 1:
        if as_json:
            say_json(fitting)
        else:
            say("\n".join(fitting))
        return
    [path] = fitting
    table = fill(leaderboard, path.split("/")[0], home)
    found = next(one for one in table.cells if one.path == path)
    models = list(_behind(leaderboard, table, found, home))
    if as_json:
        say_json(
            {**plain(found), "decimals": table.spec.decimals, "source": table.source, "models": plain(models)}
        )
        return
    for line in [*_numbers(table, found), *(line for model in models for line in _told(model))]:
        say(line)


def _fitting(leaderboard: "Leaderboard", cell: str) -> list[str]:
    """The paths of the board's cells that a path, or parts of one, can mean."""
    from genius_bench.boards.filling import fill
    from genius_bench.errors import nearest

    paths = [one.path for number in leaderboard.tables() for one in fill(leaderboard, number).cells]
    wanted = cell.strip("/").lower()
    fitting = [path for path in paths if path == wanted] or [
        path for path in paths if set(wanted.split("/")) <= set(path.split("/"))
    ]
    if not fitting:
        raise InputError(f"board {leaderboard.spec.name} has no cell '{cell}': {nearest(wanted, paths)}")
    return fitting


def _numbers(table: "Table", cell: "Cell") -> list[str]:
    from genius_bench.boards.sheet import interval, significance

    lines = [cell.path]
    if cell.reported is not None:
        lines.append(f"reported  {cell.reported:.{table.spec.decimals}f}   ({table.source})")
    if cell.measured is None:
        lines.append(f"measured  –   ({cell.missing})")
    else:
        measured = cell.measured
        lines.append(f"measured  {measured.value:.2f} {interval(measured, table)}   ({_basis(measured)})")
        if measured.gain is not None and measured.p_value is not None:
            stars = significance(measured) or "not significant"
            lines.append(
                f"gain      {measured.gain:+.2f} over the base, p = {measured.p_value:.3g} ({stars})"
            )
    if cell.verdict:
        lines.append(f"verdict   {cell.verdict}: {cell.why}" if cell.why else f"verdict   {cell.verdict}")
    return lines


def _basis(measured: "Measured") -> str:
    seeds = f"{measured.seeds} training seed{'s' if measured.seeds > 1 else ''}"
    answers = f", {measured.samples} answers each" if measured.samples else ""
    return f"{measured.items} questions{answers}, {seeds}"


@dataclass(frozen=True)
class Behind:
    """A model behind a number: the artifacts from its scores of a task back to its queries, and its other scores."""

    fingerprint: str
    task: str
    steps: "list[Step]"
    others: dict[str, str]
    """Task → key of the scores of the same checkpoint."""


def _behind(leaderboard: "Leaderboard", table: "Table", cell: "Cell", home: Path) -> "Iterator[Behind]":
    from genius_bench.boards.measuring import Home as MeasuredHome
    from genius_bench.reporting.lineage import lineage

    if cell.measured is None or not cell.measured.fingerprints:
        return
    opened = MeasuredHome(home, leaderboard, table.spec.columns)
    row, column = _place(table, cell)
    for fingerprint in cell.measured.fingerprints:
        artifacts = opened.score_artifacts(fingerprint, row, column)
        task, *others = artifacts
        steps = list(lineage(opened.store, opened.runs, fingerprint, artifacts[task]))
        yield Behind(fingerprint, task, steps, {name: artifacts[name].key for name in others})


def _told(model: Behind) -> "Iterator[str]":
    yield from ("", f"model {model.fingerprint[:SHOWN]}, {model.task}")
    for step in model.steps:
        facts = ", ".join(f"{name} {value}" for name, value in step.facts.items() if value)
        yield f"  {step.what:<14} {step.key[:SHOWN]}  {facts}"
        if step.path:
            yield f"  {'':<14} {step.path}"
    for name, key in model.others.items():
        yield f"  {name:<14} {key[:SHOWN]}  scores of the same checkpoint"


def _place(table: "Table", cell: "Cell") -> "tuple[RowSpec, Column]":
    """The row and the column that a cell stands in."""
    for group, spec in zip(table.groups, table.spec.groups, strict=True):
        for row, row_spec in zip(group.rows, spec.rows, strict=True):
            for one, column in zip(row.cells, table.spec.columns, strict=True):
                if one.path == cell.path:
                    return row_spec, column
    raise AssertionError(cell.path)
