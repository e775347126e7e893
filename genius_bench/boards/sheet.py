"""A table as it is read: headings, groups of rows, notes. Every format is printed from this one."""

from dataclasses import dataclass, field, replace
from typing import Literal

from genius_bench.boards.cells import Cell, Mark, Measured, Table, TableRow
from genius_bench.boards.specification import Column

Show = Literal["reported", "measured", "both"]

SIGNIFICANT = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
"""Largest p-value of a gain over the base → its stars."""
MISSING = "–"
SIGNS: dict[Mark, str] = {"best": "¹", "second": "²"}
BOLD, UNDERLINED = ("Bold: best", "¹ best"), ("underlined: second", "² second")
"""What the note on marks says, with styles and without."""
TIED = "≈"


@dataclass(frozen=True)
class Words:
    """The text of one place. Plain words: a format escapes what its own syntax would take for commands."""

    text: str
    mark: Mark = ""
    strong: bool = False
    faint: bool = False

    @property
    def bold(self) -> bool:
        return self.strong or self.mark == "best"

    @property
    def underlined(self) -> bool:
        return self.mark == "second"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    name: str
    """Table 1, Table 2, …"""
    title: str
    caption: str
    headers: list[tuple[str, int]]
    """Words over the headings with the number of columns they span; empty where there are none."""
    headings: list[str]
    """The first is that of the rows' labels."""
    groups: list[tuple[str | None, list[list[Words]]]]
    left: frozenset[int] = frozenset({0})
    """Columns of words; the others are numbers and stand on the right."""
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[list[Words]]:
        return [row for _, rows in self.groups for row in rows]

    def without_styles(self) -> "Sheet":
        """For places that know neither bold nor underlined: best and second best have a sign."""
        groups = [(title, [[_signed(words) for words in row] for row in rows]) for title, rows in self.groups]
        notes = [note.replace(*BOLD).replace(*UNDERLINED) for note in self.notes]
        return replace(self, groups=groups, notes=notes)


def _signed(words: Words) -> Words:
    return replace(words, text=f"{SIGNS[words.mark]} {words.text}", mark="") if words.mark else words


def sheet_of(table: Table, show: Show, findings: list[str] | None = None) -> Sheet:
    """What was reported, what was measured here, or the two cell by cell. Neither ever stands in the other's place."""
    if show == "both":
        return _side_by_side(table, findings or [])
    columns = table.spec.columns
    of = _reported if show == "reported" else _measured
    lines = [
        (
            group.title,
            [
                [_label(row), *(of(cell, column, table) for cell, column in _paired(row, table))]
                for row in group.rows
            ],
        )
        for group in table.groups
    ]
    return Sheet(
        name=f"Table {table.number}",
        title=table.spec.title,
        caption=_caption(table, show),
        headers=_headers(columns),
        headings=["", *(column.label for column in columns)],
        groups=lines,
        notes=_notes(table, show, findings or []),
    )


def _side_by_side(table: Table, findings: list[str]) -> Sheet:
    """A line a cell: what was printed, what came out here, the difference and what it says."""
    groups: list[tuple[str | None, list[list[Words]]]] = []
    for group in table.groups:
        for row in group.rows:
            lines = [_compared(cell, column, table) for cell, column in _paired(row, table)]
            title = f"{group.title}: {row.label}" if group.title else row.label
            groups.append((title, lines))
    return Sheet(
        name=f"Table {table.number}",
        title=table.spec.title,
        caption=_caption(table, "both"),
        headers=[],
        headings=["", "reported", "measured", "difference", "verdict"],
        groups=groups,
        left=frozenset({0, 4}),
        notes=_notes(table, "both", findings),
    )


def _compared(cell: Cell, column: Column, table: Table) -> list[Words]:
    difference = cell.difference
    return [
        Words(column.label),
        _reported(cell, column, table),
        _measured(cell, column, table),
        Words(MISSING, faint=True) if difference is None else Words(f"{difference:+.{table.spec.decimals}f}"),
        Words(cell.verdict, strong=cell.verdict == "differs", faint=cell.verdict == "not attempted"),
    ]


def _reported(cell: Cell, column: Column, table: Table) -> Words:
    if cell.reported is None:
        return Words(MISSING, faint=True)
    return Words(number(cell.reported, table), mark=cell.reported_mark)


def _measured(cell: Cell, column: Column, table: Table) -> Words:
    measured = cell.measured
    if measured is None:
        return Words(MISSING, faint=True)
    tied = TIED if cell.tied else ""
    stars = "" if column.lost_against else significance(measured)
    if measured.low == measured.high:  # a cosine, or a loss that every question shares
        return Words(number(measured.value, table))
    sign = "+" if column.shows == "beyond" and measured.value >= 0 else ""
    text = f"{sign}{number(measured.value, table, 1)} {interval(measured, table)}{stars}{tied}"
    return Words(text, mark=cell.measured_mark)


def number(value: float, table: Table, fewer: int = 0) -> str:
    """Reported numbers as they were printed; measured ones with a digit less, for their intervals say the rest."""
    return f"{value:.{max(table.spec.decimals - fewer, 1)}f}"


def interval(measured: Measured, table: Table) -> str:
    """±half where the interval lies evenly around the value, else its ends."""
    low, high = measured.value - measured.low, measured.high - measured.value
    digits = max(table.spec.decimals - 1, 1)
    if abs(high - low) > 0.15 * (high + low):
        return f"[{measured.low:.{digits}f}, {measured.high:.{digits}f}]"
    return f"±{(low + high) / 2:.{digits}f}"


def significance(measured: Measured) -> str:
    """Stars of a gain over the base, with the direction where it is a loss."""
    if measured.p_value is None or measured.gain is None:
        return ""
    stars = next((stars for largest, stars in SIGNIFICANT if measured.p_value < largest), "")
    return f"↓{stars}" if stars and measured.gain < 0 else stars


def _label(row: TableRow) -> Words:
    return Words(row.label + (" †" if row.supervised else ""))


def _headers(columns: list[Column]) -> list[tuple[str, int]]:
    if not any(column.header for column in columns):
        return []
    spans: list[tuple[str, int]] = [("", 1)]
    for column in columns:
        words = column.header or ""
        if len(spans) > 1 and spans[-1][0] == words:
            spans[-1] = (words, spans[-1][1] + 1)
        else:
            spans.append((words, 1))
    return spans


def _caption(table: Table, show: Show) -> str:
    said = {
        "reported": f"As reported: {table.source}.",
        "measured": f"Measured here. {_settings(table)}",
        "both": f"Reported: {table.source}. Measured here: {_settings(table)}",
    }[show]
    return f"{table.spec.caption} {said}".strip()


def _settings(table: Table) -> str:
    if not table.settings:
        return "Nothing yet."
    samples = {cell.measured.samples for cell in table.cells if cell.measured and cell.measured.samples}
    drawn = f", {_range(samples, 'sample')} a question" if samples else ""
    lab = "Lab numbers. " if table.board == "lab" else ""
    return f"{lab}Protocol {table.settings.get('protocol')}{drawn}{_seeds(table)}."


def _seeds(table: Table) -> str:
    """Of what was trained; a base has none."""
    seeds = {
        cell.measured.seeds for row in table.rows if not row.is_base for cell in row.cells if cell.measured
    }
    return f", {_range(seeds, 'training seed')} a method" if seeds else ""


def _range(numbers: set[int], what: str) -> str:
    """3 seeds; 1 to 3 seeds."""
    few, many = min(numbers), max(numbers)
    return f"{few if few == many else f'{few} to {many}'} {what}{'s' if many > 1 else ''}"


def _notes(table: Table, show: Show, findings: list[str]) -> list[str]:
    notes = []
    if any(row.supervised for row in table.rows):
        notes.append("† learns from labelled responses.")
    if show != "measured":
        notes += table.spec.notes
    if table.spec.marks != "none":
        within = "group" if table.spec.marks == "group" else "table"
        notes.append(f"{BOLD[0]} of the {within}; {UNDERLINED[0]} best.")
    if show != "reported" and any(cell.measured for cell in table.cells):
        notes.append(
            "± and [ ]: 95 % interval over questions and seeds. * ** ***: differs from the base at p < 0.05, 0.01, "
            f"0.001 (paired, Holm over tasks; ↓ for the worse). {TIED}: the best is within noise of the second best."
        )
    if show != "reported":
        notes += [*_missing(table), *table.remarks]
    return [*notes, *(f"! {finding}" for finding in findings)]


def _missing(table: Table) -> list[str]:
    """What would fill the empty cells, and why they are empty."""
    missing = [cell.missing for cell in table.cells if cell.missing]
    if not missing:
        return []
    there = sum(cell.measured is not None for cell in table.cells)
    reasons: dict[str, list[str]] = {}
    for said in dict.fromkeys(missing):
        what, _, why = said.partition(": ")
        reasons.setdefault(why or said, []).append(what if why else "")
    told = "; ".join(
        f"{why} ({', '.join(filter(None, what))})" if any(what) else why for why, what in reasons.items()
    )
    how = f"genius-bench reproduce table{table.number} --board {table.board}"
    return [
        f"{len(missing)} of {len(missing) + there} cells are not measured: {told}. {how} fills them; with --dry-run it "
        "says what that takes."
    ]


def _paired(row: TableRow, table: Table) -> list[tuple[Cell, Column]]:
    return list(zip(row.cells, table.spec.columns, strict=True))
