"""What a paper's own numbers say about themselves: the checks that its tables would have needed.

Nothing here looks at our measurements. Each finding is one line that names the cells.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from genius_bench.boards.cells import Cell, Table, TableRow
from genius_bench.boards.specification import BoardSpec, Column
from genius_bench.boards.verdicts import QUANTILE, reported_error

Kind = Literal["average", "granularity", "neutral tie", "noise", "loss", "majority", "earlier"]


@dataclass(frozen=True)
class Finding:
    kind: Kind
    cells: tuple[str, ...]
    """Paths, as `explain` takes them."""
    text: str


def check(table: Table, board: BoardSpec) -> list[Finding]:
    """Averages that are not their row's, scores that no count of items gives, neutral win rates, scores below what one
    answer to everything gets, numbers that were printed before, gaps in the noise."""
    return [
        *_averages(table),
        *_losses(table),
        *_granularity(table, board),
        *_neutral_win_rates(table, board),
        *_below_majority(table, board),
        *_printed_before(table, board),
        *_gaps(table, board),
    ]


def _averages(table: Table) -> Iterator[Finding]:
    """A printed mean must be that of the printed row, up to rounding: half a unit of its last digit and of theirs."""
    unit = 10.0**-table.spec.decimals
    for row in table.rows:
        values = [cell.reported for cell, column in _paired(row, table) if column.task]
        for cell, column in _paired(row, table):
            if not _is_average(column) or cell.reported is None or not values or None in values:
                continue
            mean = math.fsum(value for value in values if value is not None) / len(values)
            if abs(mean - cell.reported) > unit + 1e-9:
                yield Finding(
                    "average",
                    (cell.path,),
                    f"{row.label}: the average is printed as {cell.reported:.2f}, its row's mean is {mean:.2f}",
                )


def _losses(table: Table) -> Iterator[Finding]:
    """A printed loss must be the difference of the two printed averages."""
    unit = 10.0**-table.spec.decimals
    for group in table.groups:
        averages = {
            row.label: cell.reported
            for row in group.rows
            for cell, column in _paired(row, table)
            if _is_average(column)
        }
        for row in group.rows:
            for cell, column in _paired(row, table):
                if column.lost_against is None or cell.reported is None:
                    continue
                whole, own = averages.get(group.rows[0].label), averages.get(row.label)
                if whole is None or own is None:
                    continue
                if abs(whole - own - cell.reported) > unit + 1e-9:
                    yield Finding(
                        "loss",
                        (cell.path,),
                        f"{row.label}: a loss of {cell.reported:.2f} is printed, the averages differ by "
                        f"{whole - own:.2f}",
                    )


def _granularity(table: Table, board: BoardSpec) -> Iterator[Finding]:
    """One sample an item gives multiples of 1/n; other numbers were not made so, or not on these items."""
    for place, column in enumerate(table.spec.columns):
        items = board.items.get(column.task or "")
        printed = [row.cells[place] for row in table.rows if row.cells[place].reported is not None]
        if items is None or not printed:
            continue
        kinds = [printed_share(cell.reported or 0.0, items, table.spec.decimals) for cell in printed]
        for kind, meaning in (
            ("no", f"no multiple of 1/{items}"),
            ("cut", f"k/{items} cut off, not rounded"),
        ):
            found = [cell for cell, said in zip(printed, kinds, strict=True) if said == kind]
            if found:
                examples = ", ".join(f"{cell.reported:.{table.spec.decimals}f}" for cell in found[:4])
                yield Finding(
                    "granularity",
                    tuple(cell.path for cell in found),
                    f"{column.label}: {len(found)} of {len(printed)} printed scores are {meaning} ({examples}"
                    f"{', …' if len(found) > 4 else ''})",
                )


def printed_share(percent: float, items: int, decimals: int = 2) -> Literal["rounded", "cut", "no"]:
    """Whether some k of `items` is printed so: rounded half up, only when cut off, or not at all."""
    scale = 10**decimals
    printed = round(percent * scale)
    nearest = round(percent * items / 100)
    shares = [100 * scale * right / items for right in (nearest - 1, nearest, nearest + 1)]
    if any(math.floor(share + 0.5 + 1e-9) == printed for share in shares):
        return "rounded"
    return "cut" if any(math.floor(share + 1e-9) == printed for share in shares) else "no"


def _neutral_win_rates(table: Table, board: BoardSpec) -> Iterator[Finding]:
    """A comparison without any verdict gives exactly this number; several models with it make it likely."""
    for place, column in enumerate(table.spec.columns):
        neutral = board.neutral_win_rate.get(column.task or "")
        if neutral is None:
            continue
        same = [row for row in table.rows if row.cells[place].reported == neutral]
        if same:
            names = " and ".join(dict.fromkeys(_name(row, place) for row in same))
            yield Finding(
                "neutral tie",
                tuple(row.cells[place].path for row in same),
                f"{column.label}: exactly {neutral:.2f}, the neutral win rate, for {len(same)} models ({names})",
            )


def _below_majority(table: Table, board: BoardSpec) -> Iterator[Finding]:
    """Worse than the most frequent answer to everything: what was asked for was not understood, or not read."""
    for place, column in enumerate(table.spec.columns):
        share = board.majority.get(column.task or "")
        below = [row for row in table.rows if _below(row.cells[place].reported, share)]
        if below and share is not None:
            told = ", ".join(f"{_name(row, place)} {row.cells[place].reported:.2f}" for row in below)
            yield Finding(
                "majority",
                tuple(row.cells[place].path for row in below),
                f"{column.label}: below the {share} % of the most frequent answer: {told}",
            )


def _below(score: float | None, share: float | None) -> bool:
    return score is not None and share is not None and score < share


def _printed_before(table: Table, board: BoardSpec) -> Iterator[Finding]:
    """The base's scores that another paper printed: the same run, or one under another task's name."""
    if board.earlier is None:
        return
    base = next((row for row in table.rows if row.is_base), None)
    if base is None:
        return
    here = {
        column.task: cell
        for cell, column in _paired(base, table)
        if column.task and cell.reported is not None
    }
    for task, value in board.earlier.base.items():
        same = {name: cell for name, cell in here.items() if cell.reported == value}
        if task in same:
            yield Finding(
                "earlier",
                (same[task].path,),
                f"{base.label}: {task} {value:.2f} is that of {board.earlier.source}",
            )
        for name, cell in same.items():
            if name != task and task in here:
                yield Finding(
                    "earlier",
                    (cell.path, here[task].path),
                    f"{base.label}: {name} {value:.2f} is what {board.earlier.source} prints for {task}, here "
                    f"{here[task].reported:.2f}",
                )


def _gaps(table: Table, board: BoardSpec) -> Iterator[Finding]:
    """The best number of a column against the second best, and against the base: 95 % noise of one sample an item."""
    for place, column in enumerate(table.spec.columns):
        if not column.is_score:
            continue
        for one, other, what in _compared(table, place):
            errors = [
                reported_error(row, row.cells[place], column, table.spec.columns, board)
                for row in (one, other)
            ]
            mine, theirs = one.cells[place].reported, other.cells[place].reported
            if mine is None or theirs is None or None in errors:
                continue
            margin = QUANTILE * math.hypot(*(error for error in errors if error is not None))
            if 0 < abs(mine - theirs) < margin:
                yield Finding(
                    "noise",
                    (one.cells[place].path, other.cells[place].path),
                    f"{column.label}: {one.label} {mine:.2f} and {what} {theirs:.2f} differ by "
                    f"{abs(mine - theirs):.2f}, within the noise of {margin:.2f}",
                )


def _compared(table: Table, place: int) -> Iterator[tuple[TableRow, TableRow, str]]:
    base = next((row for row in table.rows if row.is_base), None)
    for group in table.groups:
        rows = [row for row in group.rows if not row.is_base and row.cells[place].reported is not None]
        ranked = sorted(rows, key=lambda row: -(row.cells[place].reported or 0.0))
        if len(ranked) > 1:
            yield ranked[0], ranked[1], f"the second best, {ranked[1].label},"
        if ranked and base is not None:
            yield ranked[0], base, "the base"


def repeated(tables: list[Table]) -> list[Finding]:
    """Numbers that two tables print of the same run and column, and print differently."""
    seen: dict[tuple[object, ...], tuple[str, float]] = {}
    found = []
    for table in tables:
        for row in table.rows:
            for cell, column in _paired(row, table):
                if cell.reported is None or not column.is_score:
                    continue
                key = (tuple(sorted(cell.run.items())), column.task, column.average)
                path, value = seen.setdefault(key, (cell.path, cell.reported))
                if value != cell.reported:
                    found.append(
                        Finding(
                            "average",
                            (path, cell.path),
                            f"{path} is printed as {value:.2f}, the same number in {cell.path} as {cell.reported:.2f}",
                        )
                    )
    return found


def _is_average(column: Column) -> bool:
    return column.average is not None and column.is_score


def _paired(row: TableRow, table: Table) -> Iterator[tuple[Cell, Column]]:
    return zip(row.cells, table.spec.columns, strict=True)


def _name(row: TableRow, place: int) -> str:
    corpus = row.cells[place].run.get("corpus")
    return f"{row.label.removeprefix('+ ')} on {corpus}" if corpus else row.label
