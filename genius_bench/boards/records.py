"""A table as records: CSV for spreadsheets and JSON for programs, one line a cell, and back without loss."""

import csv
import io
import json
from dataclasses import asdict, fields, replace
from typing import Any

from genius_bench.boards.cells import Cell, Measured, Table, TableGroup, TableRow
from genius_bench.boards.specification import TableSpec
from genius_bench.errors import InputError
from genius_bench.layers import validate

MEASURED = [one.name for one in fields(Measured)]
COLUMNS = [
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
WORDS = {"row", "column", "path", "reported_mark", "measured_mark", "verdict", "why", "missing"}
FORMULA = tuple("=+-@'\t\r")
"""What spreadsheets take for the beginning of a formula, and our own sign for it."""
HEAD = "# "
"""Begins the line above the columns that says which board and table this is, as JSON."""


def to_json(table: Table) -> str:
    return json.dumps({**_head(table), "cells": _records(table)}, indent=2, ensure_ascii=False) + "\n"


def to_csv(table: Table) -> str:
    """Reported numbers as they were printed, measured ones in full; values that spreadsheets would take for formulas
    are led by an apostrophe."""
    text = io.StringIO()
    text.write(HEAD + json.dumps(_head(table), ensure_ascii=False) + "\n")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in _records(table):
        texts = {name: _as_text(name, value) for name, value in record.items()}
        writer.writerow(texts | {"reported": _as_printed(record["reported"], table.spec.decimals)})
    return text.getvalue()


def from_csv(text: str) -> Table:
    """The table that `to_csv` wrote. Raises `InputError` where the text is no such file."""
    head, _, body = text.partition("\n")
    try:
        about = json.loads(head.removeprefix(HEAD))
        rows = list(csv.DictReader(io.StringIO(body)))
        records = [{name: _from_text(name, value) for name, value in row.items()} for row in rows]
        return _table(about, records)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is no table of genius-bench as CSV: {error}") from error


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
        _record(place, group, row, cell, column.label)
        for place, group in enumerate(table.groups)
        for row in group.rows
        for cell, column in zip(row.cells, table.spec.columns, strict=True)
    ]


def _record(place: int, group: TableGroup, row: TableRow, cell: Cell, column: str) -> dict[str, Any]:
    measured = asdict(cell.measured) if cell.measured else dict.fromkeys(MEASURED)
    return {
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


def _table(about: dict[str, Any], records: list[dict[str, Any]]) -> Table:
    spec = validate(TableSpec, about["spec"])
    groups: dict[int, TableGroup] = {}
    for start in range(0, len(records), len(spec.columns)):
        some = records[start : start + len(spec.columns)]
        place, title = some[0]["group"]
        row = TableRow(
            label=some[0]["row"],
            supervised=some[0]["supervised"],
            is_base=some[0]["is_base"],
            cells=[_cell(record) for record in some],
        )
        group = groups.get(place, TableGroup(title=title, rows=[]))
        groups[place] = replace(group, rows=[*group.rows, row])
    return Table(
        board=about["board"],
        number=about["table"],
        spec=spec,
        source=about["source"],
        groups=[groups[place] for place in sorted(groups)],
        settings=about["settings"],
        remarks=about["remarks"],
    )


def _cell(record: dict[str, Any]) -> Cell:
    values = {name: record[f"measured_{name}"] for name in MEASURED}
    measured = None
    if values["value"] is not None:
        measured = Measured(**values | {"fingerprints": tuple(values["fingerprints"])})
    own = ("path", "run", "reported", "reported_mark", "measured_mark", "tied", "verdict", "why", "missing")
    return Cell(measured=measured, **{name: record[name] for name in own})


def _as_text(name: str, value: Any) -> str:
    """Words as they are, except that nothing may begin like a formula; everything else as JSON."""
    if name in WORDS:
        return f"'{value}" if str(value)[:1] in FORMULA else str(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _as_printed(value: float | None, decimals: int) -> str:
    """49.40, not 49.4, as long as nothing is lost by it."""
    if value is None:
        return ""
    text = f"{value:.{decimals}f}"
    return text if float(text) == value else json.dumps(value)


def _from_text(name: str, text: str) -> Any:
    if name in WORDS:
        return text[1:] if text.startswith("'") else text
    return json.loads(text) if text else None
