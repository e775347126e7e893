"""The paper's tables as this package prints them: every number, every mark, in every format."""

import csv
import io
import json
import math
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import yaml
from rich.console import Console

from genius_bench.boards.cells import Measured
from genius_bench.boards.filling import fill
from genius_bench.boards.records import to_csv, to_json
from genius_bench.boards.rendering.html import html
from genius_bench.boards.rendering.latex import latex
from genius_bench.boards.rendering.markdown import markdown
from genius_bench.boards.rendering.terminal import show
from genius_bench.boards.sheet import Sheet, sheet_of
from genius_bench.boards.specification import open_leaderboard

PAPER = open_leaderboard("genius-paper")
TABLES = PAPER.tables()
DOCUMENT = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}%s\end{document}"


def printed_numbers(number: str) -> Counter[str]:
    """Every number of a table straight from the file, with the digits that the paper prints."""
    text = (files("genius_bench.leaderboards") / "genius-paper" / "reported.yaml").read_text()
    decimals = 4 if number == "5" else 2

    def numbers(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [
                one
                for name, inner in value.items()
                if name not in ("columns", "corpora")
                for one in numbers(inner)
            ]
        if isinstance(value, list):
            return [one for inner in value for one in numbers(inner)]
        return [f"{value:.{decimals}f}"] if isinstance(value, float) else []

    return Counter(numbers(yaml.safe_load(text)[f"table{number}"]))


def shown(sheet: Sheet) -> Counter[str]:
    return Counter(words.text for row in sheet.rows for words in row[1:] if words.text != "–")


@pytest.mark.parametrize("number", TABLES)
def test_every_reported_number_stands_in_its_table_as_printed(number: str) -> None:
    assert shown(sheet_of(fill(PAPER, number), "reported")) == printed_numbers(number)


def test_there_are_the_six_tables_and_the_figures() -> None:
    assert (TABLES, PAPER.figures()) == (["1", "2", "3", "4", "5", "6"], ["3", "4", "5", "6", "7"])


def test_some_cells_as_a_reader_of_the_paper_finds_them() -> None:
    cells = {cell.path: cell for number in TABLES for cell in fill(PAPER, number).cells}
    assert cells["table1/magpie/genius/avg"].reported == 57.08
    assert cells["table1/openhermes-2-5/star/strategyqa"].reported == 19.34
    assert cells["table3/openhermes-2-5/w-o-sampling/delta"].reported == 3.10
    assert cells["table4/simpo/openhermes-2-5"].reported == 50.87
    assert cells["table5/strategyqa/magpie"].reported == -0.0045
    assert cells["table6/magpie/genius/mbpp"].reported == 71.60


def test_the_best_of_a_group_is_bold_and_the_second_underlined() -> None:
    rows = {row.label: row for row in fill(PAPER, "1").groups[1].rows}
    average = {label: row.cells[-1].reported_mark for label, row in rows.items()}
    assert {label: mark for label, mark in average.items() if mark} == {
        "+ Genius": "best",
        "+ SPIN": "second",
    }
    text = latex(sheet_of(fill(PAPER, "1"), "reported"))
    assert r"\textbf{57.08}" in text
    assert r"\underline{55.59}" in text
    assert r"\textbf{49.65}" not in text  # the base does not compete


def test_a_reported_number_is_never_shown_as_measured(tmp_path: Path) -> None:
    sheet = sheet_of(fill(PAPER, "1", tmp_path), "measured")
    assert not shown(sheet)
    both = sheet_of(fill(PAPER, "1", tmp_path), "both")
    assert {row[2].text for row in both.rows} == {"–"}
    assert {row[4].text for row in both.rows} == {"not attempted"}


def test_what_the_paper_did_not_report_stands_under_its_main_table() -> None:
    said = "No control for the temperature was reported"
    assert [
        number
        for number in TABLES
        if any(said in note for note in sheet_of(fill(PAPER, number), "both").notes)
    ] == ["1"]
    assert not any(said in note for note in sheet_of(fill(PAPER, "1"), "measured").notes)


@pytest.mark.parametrize("number", TABLES)
def test_csv_is_what_pandas_reads(number: str) -> None:
    table = fill(PAPER, number)
    cells = json.loads(to_json(table))["cells"]
    rows = pandas.read_csv(io.StringIO(to_csv(table)), dtype={"table": str})
    assert list(rows["path"]) == [cell["path"] for cell in cells]
    assert set(rows["board"]) == {"genius-paper"}
    assert set(rows["table"]) == {number}
    reported = [math.nan if cell["reported"] is None else cell["reported"] for cell in cells]
    numpy.testing.assert_array_equal(rows["reported"].to_numpy(float), reported)
    records = list(csv.DictReader(io.StringIO(to_csv(table))))
    decimals = 4 if number == "5" else 2
    printed = [row["reported"] for row in records if row["reported"]]
    assert all(len(text.partition(".")[2]) == decimals for text in printed), "49.40, as the paper prints it"


def test_a_csv_holds_no_digits_that_floating_point_invents() -> None:
    table = fill(PAPER, "6")
    cell = table.groups[0].rows[0].cells[0]
    measured = Measured(value=100 * 0.6274999999999999, low=60.0, high=65.0, items=4)
    table.groups[0].rows[0].cells[0] = replace(cell, measured=measured)
    first = next(csv.DictReader(io.StringIO(to_csv(table))))
    assert first["measured_value"] == "62.75"


def test_nothing_in_a_csv_begins_like_a_formula() -> None:
    rows = csv.reader(io.StringIO(to_csv(fill(PAPER, "1"))))
    values = [value for row in rows for value in row]
    assert any(value.startswith("'+") for value in values)
    assert not any(re.match(r"[=+@]|-[^0-9]", value) for value in values)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_compiles(tmp_path: Path) -> None:
    tables = "\n".join(latex(sheet_of(fill(PAPER, number), "reported")) for number in TABLES)
    both = latex(sheet_of(fill(PAPER, "6", tmp_path / "home"), "both"))
    document = DOCUMENT % (tables + both)
    (tmp_path / "tables.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout[-2000:]
    assert "Undefined control sequence" not in result.stdout
    assert "Overfull" not in result.stdout, "no table is wider than the text"


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("number", TABLES)
def test_a_terminal_of_any_width_shows_every_number_on_lines_that_fit(number: str, width: int) -> None:
    out = io.StringIO()
    show(sheet_of(fill(PAPER, number), "reported"), Console(file=out, width=width, no_color=True))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = Counter(out.getvalue().split())
    assert not printed_numbers(number) - words


HOSTILE = (
    "x</td><script>alert(1)</script>\x1b[31m\x1b]0;t\x07\u202eabc |*_`\\ {} $^2$ \\input{/etc/passwd} %& "
    '"q" \x00\ud800'
)


def hostile_sheet() -> Sheet:
    from dataclasses import replace

    sheet = sheet_of(fill(PAPER, "6"), "reported")
    rows = [[replace(words, text=HOSTILE) for words in row] for row in sheet.rows]
    return replace(sheet, title=HOSTILE, caption=HOSTILE, groups=[(HOSTILE, rows)], notes=[HOSTILE])


def test_hostile_words_are_only_words() -> None:
    out = io.StringIO()
    show(hostile_sheet(), Console(file=out, width=200, force_terminal=True, color_system="standard"))
    ours = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())  # Rich's own bold and dim
    assert "\x1b" not in ours
    assert "\x1b[31m" not in out.getvalue()
    for text in (ours, markdown(hostile_sheet()), html(hostile_sheet()), latex(hostile_sheet())):
        assert not set(text) & {"\u202e", "\x00", "\x07", "\ud800", "\x1b"}
    assert "<script>" not in html(hostile_sheet())
    assert not re.search(r"(?<!\\)<script>", markdown(hostile_sheet()))
    assert r"\input{" not in latex(hostile_sheet())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_hostile_words_compile(tmp_path: Path) -> None:
    document = DOCUMENT % latex(hostile_sheet())
    (tmp_path / "hostile.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "hostile.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout[-2000:]
