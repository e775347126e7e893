"""A figure: what it shows as rows, and how it is drawn; saved as PNG, SVG or PDF without a browser, or as its data."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genius_bench.errors import GeniusBenchError, InputError

Row = dict[str, Any]

INK, GRID = "#333333", "#e4e4e4"
COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#79706e"]
"""Told apart by people who see colours differently, and in grey by their order of lightness."""
SUFFIXES = (".png", ".svg", ".pdf", ".csv", ".json")
PIXELS_PER_POINT = 3.0


@dataclass(frozen=True, kw_only=True)
class Figure:
    title: str
    caption: str
    """Where its numbers come from; never empty."""
    rows: list[Row]
    """One a mark, with every number that is drawn."""
    chart: Callable[[list[Row]], Any]
    """An Altair chart of the rows."""
    missing: list[str] = field(default_factory=list)
    """What would fill the places that are empty."""


def save(figure: Figure, path: Path) -> None:
    """Writes the figure in the format of the path's ending. Raises `InputError` for another ending or a bad place."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"--output {path}: the ending says the format, one of {', '.join(SUFFIXES)}")
    content = _content(figure, path.suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def specification(figure: Figure) -> dict[str, Any]:
    """The chart as Vega-Lite, for pages that draw it themselves."""
    chart = figure.chart(figure.rows)
    styled = chart.configure(font="DejaVu Sans", padding=10)
    styled = styled.configure_view(stroke=None).configure_axis(
        labelColor=INK,
        titleColor=INK,
        gridColor=GRID,
        domainColor=INK,
        tickColor=INK,
        titleFontWeight="normal",
    )
    styled = styled.configure_legend(labelColor=INK, titleColor=INK, titleFontWeight="normal")
    titled = styled.configure_header(labelColor=INK, labelFontWeight="bold").configure_title(
        anchor="start", color=INK, subtitleColor="#666666", fontSize=13, subtitleFontSize=11
    )
    found: dict[str, Any] = json.loads(titled.to_json())
    found["title"] = {"text": figure.title, "subtitle": _lines(figure.caption)}
    return found


def _content(figure: Figure, suffix: str) -> bytes:
    if suffix == ".json":
        about = {"title": figure.title, "caption": figure.caption, "missing": figure.missing}
        return json.dumps({**about, "rows": figure.rows}, indent=2, ensure_ascii=False).encode()
    if suffix == ".csv":
        return _csv(figure.rows).encode()
    try:
        import vl_convert
    except ImportError as error:
        raise GeniusBenchError(
            "figures need altair and vl-convert-python: pip install 'genius-bench[board]'"
        ) from error
    spec = json.dumps(specification(figure))
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    if suffix == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return bytes(vl_convert.vegalite_to_png(spec, scale=PIXELS_PER_POINT))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _lines(text: str, width: int = 90) -> list[str]:
    from textwrap import wrap

    return wrap(text, width)
