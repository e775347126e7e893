"""From a table's specification to a table with numbers: those reported and those measured in a home."""

from dataclasses import replace
from pathlib import Path
from re import sub

from genius_bench.boards.cells import Cell, Mark, Measured, Table, TableGroup, TableRow
from genius_bench.boards.measuring import Home, measure
from genius_bench.boards.specification import Column, Fields, Group, Leaderboard, RowSpec, TableSpec
from genius_bench.boards.verdicts import judged
from genius_bench.statistics import holm

BEST: Mark = "best"
SECOND: Mark = "second"
NONE: Mark = ""


def fill(leaderboard: Leaderboard, number: str, home: Path | None = None) -> Table:
    """Table `number` of a board with what was reported and, given a home, with what was measured there."""
    spec = leaderboard.table(number)
    name = number.lower().removeprefix("table")
    measured = Home(home, leaderboard, spec.columns) if home else None
    groups = [
        TableGroup(
            title=group.title,
            rows=[_row(leaderboard, name, spec, group, row, measured) for row in group.rows],
        )
        for group in spec.groups
    ]
    table = Table(
        board=leaderboard.spec.name,
        number=name,
        spec=spec,
        source=leaderboard.spec.source,
        groups=groups,
        settings=measured.settings if measured else {},
        remarks=measured.remarks() if measured else [],
    )
    return marked(judged(table, leaderboard.spec) if measured else table, measured)


def fields_of(group: Group, row: RowSpec, column: Column) -> Fields:
    """The run of a cell: what its group, row and column say, the narrower on top. A base is nothing but a model."""
    fields = {**group.run, **row.run, **column.run}
    return (
        {axis: fields[axis] for axis in fields if axis in ("method", "model")} if is_base(fields) else fields
    )


def is_base(fields: Fields) -> bool:
    return fields.get("method") == "base"


def _row(
    leaderboard: Leaderboard, number: str, spec: TableSpec, group: Group, row: RowSpec, home: Home | None
) -> TableRow:
    values = leaderboard.reported_values(row.reported, {**group.run, **row.run})
    cells = []
    for place, column in enumerate(spec.columns):
        fields = fields_of(group, row, column)
        found: Measured | str = measure(home, fields, row, column) if home else ""
        cells.append(
            Cell(
                path=path_of(number, group, row, column),
                run=fields,
                reported=values[place] if isinstance(values, list) and place < len(values) else None,
                measured=found if isinstance(found, Measured) else None,
                missing=found if isinstance(found, str) else "",
            )
        )
    return TableRow(
        label=row.label,
        supervised=row.supervised,
        is_base=is_base({**group.run, **row.run}),
        cells=_corrected(cells, spec.columns),
    )


def _corrected(cells: list[Cell], columns: list[Column]) -> list[Cell]:
    """p-values of a row's tasks corrected for being several (Holm); averages are one question each."""
    several = {
        place: cell.measured
        for place, (cell, column) in enumerate(zip(cells, columns, strict=True))
        if column.task and cell.measured and cell.measured.p_value is not None
    }
    p_values = holm([one.p_value for one in several.values() if one.p_value is not None])
    corrected = {
        place: replace(one, p_value=p_value)
        for (place, one), p_value in zip(several.items(), p_values, strict=True)
    }
    return [replace(cell, measured=corrected.get(place, cell.measured)) for place, cell in enumerate(cells)]


def path_of(number: str, group: Group, row: RowSpec, column: Column) -> str:
    """table1/magpie/genius/gsm8k: what tells the group, the row and the column apart."""
    parts = [f"table{number}", group.title and group.title.split(" ")[0], row.label, column.label]
    return "/".join(_slug(part) for part in parts if part)


def _slug(text: str) -> str:
    ascii_text = text.replace("Δ", "delta")
    return sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def marked(table: Table, home: Home | None) -> Table:
    """Best and second best of every column, of the reported and of the measured numbers separately."""
    if table.spec.marks == "none":
        return table
    groups = [replace(group, rows=list(group.rows)) for group in table.groups]
    if table.spec.marks == "group":
        parts = [[(g, r) for r in range(len(group.rows))] for g, group in enumerate(groups)]
    else:
        parts = [[(g, r) for g, group in enumerate(groups) for r in range(len(group.rows))]]
    for part in parts:
        contenders = [(g, r) for g, r in part if not groups[g].rows[r].is_base]
        for column, spec in enumerate(table.spec.columns):
            if spec.slice or spec.shows != "score":
                continue  # what the best of these is, is not the table's question
            cells = [groups[g].rows[r].cells[column] for g, r in contenders]
            reported = _marks([cell.reported for cell in cells])
            measured = _marks([cell.measured.value if cell.measured else None for cell in cells])
            tied = home.tied(cells, measured, spec) if home else False
            for (g, r), cell, one, other in zip(contenders, cells, reported, measured, strict=True):
                row = groups[g].rows[r]
                new = replace(cell, reported_mark=one, measured_mark=other, tied=tied and other == "best")
                row_cells = [new if i == column else old for i, old in enumerate(row.cells)]
                groups[g].rows[r] = replace(row, cells=row_cells)
    return replace(table, groups=groups)


def _marks(values: list[float | None]) -> list[Mark]:
    """Equal numbers share a mark; a single number has none."""
    there = sorted({value for value in values if value is not None}, reverse=True)
    if sum(value is not None for value in values) < 2:
        return [NONE for _ in values]
    names = dict.fromkeys(there[:1], BEST) | dict.fromkeys(there[1:2], SECOND)
    return [names.get(value, NONE) if value is not None else NONE for value in values]
