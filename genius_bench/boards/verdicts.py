"""Whether a measured number confirms a reported one, as far as the noise of both allows to say."""

import math
from dataclasses import replace

from genius_bench.boards.cells import Cell, Table, TableRow, Verdict
from genius_bench.boards.specification import BoardSpec, Column
from genius_bench.evaluation.cards import resolve_suite

QUANTILE = 1.959964
"""Of the normal distribution, for 95 % both ways."""
RESOLUTION = 2.0
"""Points. `reproduced` means that a difference of this size would have been seen, and was not."""


def judged(table: Table, board: BoardSpec) -> Table:
    """The table with a verdict on every cell that has a reported number."""
    columns = table.spec.columns
    groups = [
        replace(group, rows=[replace(row, cells=_cells(row, columns, board)) for row in group.rows])
        for group in table.groups
    ]
    return replace(table, groups=groups)


def _cells(row: TableRow, columns: list[Column], board: BoardSpec) -> list[Cell]:
    judged = []
    for cell, column in zip(row.cells, columns, strict=True):
        verdict, why = verdict_of(cell, reported_error(row, cell, column, columns, board))
        judged.append(replace(cell, verdict=verdict, why=why))
    return judged


def verdict_of(cell: Cell, error_of_reported: float | None) -> tuple[Verdict, str]:
    """`differs` where the difference is beyond the noise of both numbers; otherwise `reproduced` where the two are
    precise enough to have shown a difference of `RESOLUTION`, and `within noise` where they are not."""
    if cell.reported is None:
        return "", ""
    if cell.measured is None:
        return "not attempted", cell.missing
    difference = cell.measured.value - cell.reported
    own = (cell.measured.high - cell.measured.low) / 2
    if error_of_reported is None:
        margin, note = own, "the reported number's own noise is not known"
    else:
        margin, note = math.hypot(own, QUANTILE * error_of_reported), "95 % noise of both numbers"
    why = f"{difference:+.2f} ± {margin:.2f} ({note})"
    if abs(difference) > margin:
        return "differs", why
    return ("reproduced" if margin <= RESOLUTION else "within noise"), why


def reported_error(
    row: TableRow, cell: Cell, column: Column, columns: list[Column], board: BoardSpec
) -> float | None:
    """Standard error of a reported score in points: that of one sample an item; None where the items are unknown."""
    if column.task:
        return binomial_error(cell.reported, board.items.get(column.task))
    if column.average and column.is_score:
        parts = [
            binomial_error(other.reported, board.items.get(one.task))
            for other, one in zip(row.cells, columns, strict=True)
            if one.task
        ]
        if not parts:
            parts = _parts_unseen(cell.reported, column.average, board)
        known = [part for part in parts if part is not None]
        # An unknown one of several counts as the mean of the others: better than to leave it out.
        return math.sqrt(sum(part**2 for part in known) / len(known) / len(parts)) if known else None
    return None


def _parts_unseen(percent: float | None, suite: str, board: BoardSpec) -> list[float | None]:
    """Of an average that is printed without its tasks: each taken to be at the average, where noise is largest."""
    return [binomial_error(percent, board.items.get(task)) for task in resolve_suite(suite)]


def binomial_error(percent: float | None, items: int | None) -> float | None:
    """In points: √(p (1 − p) / n)."""
    if percent is None or items is None:
        return None
    share = percent / 100
    return 100 * math.sqrt(max(share * (1 - share), 0.0) / items)
