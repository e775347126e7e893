"""Boards as data for a page: everything that was scored, and the installed leaderboards cell by cell."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genius_bench.boards.cells import Cell, Table, TableRow
from genius_bench.boards.checks import check, repeated
from genius_bench.boards.filling import fill
from genius_bench.boards.specification import Leaderboard
from genius_bench.evaluation.protocols import protocols
from genius_bench.reporting.board import Board, board_of, current
from genius_bench.reporting.control_tables import in_words
from genius_bench.reporting.curves import curves_of
from genius_bench.reporting.finding import finding
from genius_bench.reporting.marks import marks
from genius_bench.reporting.row import Row, told
from genius_bench.reporting.terminal import GREY_ABOVE
from genius_bench.site.along import scores_along
from genius_bench.site.holdings import SHORT, Group, Holdings
from genius_bench.site.problems import Problems
from genius_bench.statistics import Difference, Estimate

Json = dict[str, Any]


def group_of(group: Group, holdings: Holdings, problems: Problems) -> Json:
    """The boards of one group of settings: one for each set of tasks that models share."""
    settings = group.settings
    protocol = protocols().get(str(settings.get("protocol")))
    samples = settings.get("samples")
    if samples is None and protocol is not None:
        samples = protocol.samples
    found: list[Json] = []
    for tasks in _task_sets(group):
        models = [one for one in group.models if set(tasks) <= one.artifacts.keys()]
        with problems.skipping(f"board of {', '.join(tasks)}"):
            models, outdated = current(models)
            curves = curves_of(holdings.store, holdings.runs, settings, models)
            board = board_of(holdings.store.home, models, settings, tasks, curves=curves)
            along = scores_along(holdings.store, holdings.runs, settings, board.metrics, problems)
            found.append(_board(board) | {"along": along, "outdated": outdated})
    return {
        "id": group.id,
        "settings": settings,
        "greedy": protocol.greedy if protocol else False,
        "samples": samples,
        "tasks": group.tasks,
        "boards": found,
    }


def _task_sets(group: Group) -> list[list[str]]:
    """The sets of tasks that models were scored on, largest first, without those that a larger one covers."""
    sets = {frozenset(one.artifacts) for one in group.models}
    kept: list[frozenset[str]] = []
    for tasks in sorted(sets, key=lambda one: (-len(one), sorted(one))):
        covered = {one.fingerprint for one in group.models if any(k <= one.artifacts.keys() for k in kept)}
        if any(tasks <= one.artifacts.keys() and one.fingerprint not in covered for one in group.models):
            kept.append(tasks)
    return [[task for task in group.tasks if task in tasks] for tasks in kept]


def _board(board: Board) -> Json:
    return {
        "tasks": board.tasks,
        "metrics": board.metrics,
        "not_scored": board.not_scored,
        "finding": finding(board),
        "in_words": [*in_words(board), *marks(board)],
        "rows": [_row(row) for row in board.rows],
    }


def _row(row: Row) -> Json:
    values: Json = {
        "label": row.label,
        "is_base": row.is_base,
        "seeds": row.seeds,
        "models": [fingerprint[:SHORT] for fingerprint in row.fingerprints],
        "cells": {task: _estimate(cell) for task, cell in row.cells.items()},
        "gains": {task: _difference(gain) for task, gain in row.gains.items()},
        "average": _estimate(row.average),
        "average_gain": _difference(row.average_gain),
        "greedy": None if row.greedy is None else 100 * row.greedy,
        "greedy_gain": _difference(row.greedy_gain),
        "released": _estimate(row.released),
        "notes": row.notes,
        "several": {name: 100 * value for name, value in row.several.items()},
        "failures": {name: 100 * value for name, value in row.failures.items()},
        "cost": asdict(row.cost) if row.cost else None,
        "over_placebo": _difference(row.over_placebo),
        "slices": {
            name: {"score": _estimate(one.value), "gain": _difference(one.gain)}
            for name, one in row.slices.items()
        },
        "is_control": row.is_control,
    }
    if row.sharpening:
        values["beyond"] = _difference(row.sharpening.beyond)
        values["best_at"] = " / ".join(dict.fromkeys(map(told, row.sharpening.best)))
        values["temperatures"] = _points(row.sharpening.curve)
    if row.coverage:
        values["coverage"] = _points(row.coverage.pass_at)
    return values | {"grey": row.failures.get("any_failure", 0) > GREY_ABOVE}


def _points(curve: Mapping[float, Estimate] | Mapping[int, Estimate]) -> list[list[float]]:
    """[where, value, low, high], the values in percent."""
    return [[place, *(100 * part for part in estimate)] for place, estimate in sorted(curve.items())]


def _estimate(estimate: Estimate | None) -> list[float] | None:
    """[value, low, high] in percent."""
    return None if estimate is None else [100 * part for part in estimate]


def _difference(difference: Difference | None) -> list[float] | None:
    """[difference, low, high] in points, and p."""
    if difference is None:
        return None
    return [*(100 * part for part in difference[:3]), difference.p_value]


def leaderboard_of(board: Leaderboard, home: Path, problems: Problems) -> Json:
    """All tables of a leaderboard that can be filled, with what the checks find in the reported numbers."""
    tables = []
    for number in board.tables():
        with problems.skipping(f"board {board.spec.name}, table {number}"):
            tables.append(fill(board, number, home))
    reported = [table for table in tables if any(cell.reported is not None for cell in table.cells)]
    findings = {table.number: [asdict(one) for one in check(table, board.spec)] for table in reported}
    return {
        "name": board.spec.name,
        "title": board.spec.title,
        "source": board.spec.source,
        "protocol": board.spec.protocol,
        "measured": sum(cell.measured is not None for table in tables for cell in table.cells),
        "reported": sum(cell.reported is not None for table in tables for cell in table.cells),
        "tables": [_table(table, findings.get(table.number, [])) for table in tables],
        "repeated": [asdict(one) for one in repeated(reported)],
    }


def _table(table: Table, findings: list[Json]) -> Json:
    columns = [
        {"label": column.label, "header": column.header, "task": column.task, "average": column.average}
        for column in table.spec.columns
    ]
    return {
        "number": table.number,
        "title": table.spec.title,
        "caption": table.spec.caption,
        "decimals": table.spec.decimals,
        "columns": columns,
        "groups": [
            {"title": group.title, "rows": [_table_row(row) for row in group.rows]} for group in table.groups
        ],
        "settings": table.settings,
        "remarks": table.remarks,
        "findings": findings,
    }


def _table_row(row: TableRow) -> Json:
    return {
        "label": row.label,
        "supervised": row.supervised,
        "is_base": row.is_base,
        "cells": [_cell(cell) for cell in row.cells],
    }


def _cell(cell: Cell) -> Json:
    values = asdict(cell)
    if cell.measured:
        models = [fingerprint[:SHORT] for fingerprint in cell.measured.fingerprints]
        values["measured"] = values["measured"] | {"fingerprints": models}
    return values | {"difference": cell.difference}
