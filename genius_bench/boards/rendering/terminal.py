"""On a terminal of any width, without colour, or in a pipe: columns that do not fit go into another part below."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genius_bench.boards.sheet import Sheet, Words
from genius_bench.printing import cell, new_table, words
from genius_bench.readable import readable_name

GAP = 2
LABEL_WIDTH = 22
"""Longer labels wrap rather than push columns into another part."""


def show(sheet: Sheet, console: Console) -> None:
    if not console.is_terminal:
        sheet = sheet.without_styles()
    console.print(cell(f"{sheet.name}: {sheet.title}", style="bold"))
    console.print(words(sheet.caption, style="dim"))
    for columns in _parts(sheet, console.width):
        console.print()
        console.print(_table(sheet, columns))
    if sheet.notes:
        console.print()
    for note in sheet.notes:
        console.print(words(note, style="dim"))


def _parts(sheet: Sheet, width: int) -> list[list[int]]:
    """Columns beside the labels, in groups that fit."""
    widths = [
        max(len(line) for line in [sheet.headings[place], *(row[place].text for row in sheet.rows)])
        for place in range(len(sheet.headings))
    ]
    room = width - min(max(len(label) for label in _labels(sheet)), LABEL_WIDTH)
    parts: list[list[int]] = [[]]
    left = room
    for place in range(1, len(widths)):
        needed = widths[place] + GAP
        if needed > left and parts[-1]:
            parts.append([])
            left = room
        parts[-1].append(place)
        left -= needed
    return parts


def _table(sheet: Sheet, columns: list[int]) -> Table:
    table = new_table(padding=(0, GAP, 0, 0))
    longest = max(len(label) for label in _labels(sheet))
    table.add_column(readable_name(sheet.headings[0]), min_width=min(longest, LABEL_WIDTH))
    for place in columns:
        justify = "left" if place in sheet.left else "right"
        table.add_column(cell(sheet.headings[place]), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for title, rows in sheet.groups:
        if title:
            table.add_row(cell(title, style="italic"))
        for row in rows:
            table.add_row(*(_text(row[place]) for place in [0, *columns]))
    return table


def _labels(sheet: Sheet) -> list[str]:
    """What stands in the first column."""
    return [
        sheet.headings[0],
        *(title or "" for title, _ in sheet.groups),
        *(row[0].text for row in sheet.rows),
    ]


def _text(one: Words) -> Text:
    styles = [("bold", one.bold), ("underline", one.underlined), ("dim", one.faint)]
    return cell(one.text, style=" ".join(style for style, on in styles if on))
