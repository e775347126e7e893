"""A table as records, one a cell: CSV for spreadsheets, JSON for programs, which also says what the table is."""

import csv
import io
import json
from dataclasses import asdict, fields
from typing import Any

from genius_bench.boards.cells import Cell, Measured, Table, TableGroup, TableRow

MEASURED = [one.name for one in fields(Measured)]
COLUMNS = [
    "board",
    "table",
    "group",
    "row",
    "supervised",
    "is_base",
    "column",
    "path",
    "run",
    "reported",
    "reported_mark",
    *(f"measured_{name}" for name in MEASURED),
    "measured_mark",
    "tied",
    "verdict",
    "why",
    "missing",
]
WORDS = {
    "board",
    "table",
    "row",
    "column",
    "path",
    "reported_mark",
    "measured_mark",
    "verdict",
    "why",
    "missing",
}
DIGITS = 12
"""Of a number in a CSV: far more than any has that are known, fewer than floating point invents."""
FORMULA = tuple("=+-@'\t\r")
"""What spreadsheets take for the beginning of a formula, and our own sign for it."""


def to_json(table: Table) -> str:
    return json.dumps({**_head(table), "cells": _records(table)}, indent=2, ensure_ascii=False) + "\n"


def to_csv(table: Table) -> str:
    """Reported numbers as they were printed, measured ones to `DIGITS`; what spreadsheets would take for a formula is
    led by an apostrophe."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in _records(table):
        texts = {name: _as_text(name, value) for name, value in record.items()}
        writer.writerow(texts | {"reported": _as_printed(record["reported"], table.spec.decimals)})
    return text.getvalue()


def _head(table: Table) -> dict[str, Any]:
    return {
        "board": table.board,
        "table": table.number,
        "source": table.source,
        "settings": table.settings,
        "remarks": table.remarks,
        "spec": table.spec.model_dump(),
    }


def _records(table: Table) -> list[dict[str, Any]]:
    return [
        _record(table, place, group, row, cell, column.label)
        for place, group in enumerate(table.groups)
        for row in group.rows
        for cell, column in zip(row.cells, table.spec.columns, strict=True)
    ]


def _record(
    table: Table, place: int, group: TableGroup, row: TableRow, cell: Cell, column: str
) -> dict[str, Any]:
    measured = asdict(cell.measured) if cell.measured else dict.fromkeys(MEASURED)
    return {
        "board": table.board,
        "table": table.number,
        "group": [place, group.title],
        "row": row.label,
        "supervised": row.supervised,
        "is_base": row.is_base,
        "column": column,
        "path": cell.path,
        "run": cell.run,
        "reported": cell.reported,
        "reported_mark": cell.reported_mark,
        **{f"measured_{name}": value for name, value in measured.items()},
        "measured_mark": cell.measured_mark,
        "tied": cell.tied,
        "verdict": cell.verdict,
        "why": cell.why,
        "missing": cell.missing,
    }


def _as_text(name: str, value: Any) -> str:
    """Words as they are, except that nothing may begin like a formula; everything else as JSON."""
    if name in WORDS:
        return f"'{value}" if str(value)[:1] in FORMULA else str(value)
    if isinstance(value, float):  # 62.75, where binary fractions say 62.74999999999999
        return f"{value:.{DIGITS}g}"
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _as_printed(value: float | None, decimals: int) -> str:
    """49.40, not 49.4, as long as nothing is lost by it."""
    if value is None:
        return ""
    text = f"{value:.{decimals}f}"
    return text if float(text) == value else json.dumps(value)
