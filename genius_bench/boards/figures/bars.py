"""Figures 4 and 5: a bar a method, gains over the base (an average) or scores (one task), a panel a model."""

import math
from pathlib import Path
from typing import Any

from genius_bench.boards.cells import Measured
from genius_bench.boards.figures.figure import COLOURS, Figure, Row
from genius_bench.boards.measuring import Home
from genius_bench.boards.specification import Column, Fields, FigureSpec, Leaderboard, Panel
from genius_bench.boards.verdicts import QUANTILE
from genius_bench.evaluation.cards import resolve_suite
from genius_bench.registry import load

REPORTED, MEASURED = "as reported", "measured here"


def figure(leaderboard: Leaderboard, spec: FigureSpec, home: Path | None) -> Figure:
    """Reported bars, measured ones with their 95 % intervals, or both beside each other; empty places are named."""
    column = Column(label="", task=spec.task) if spec.task else Column(label="", average=spec.average)
    opened = Home(home, leaderboard, [column]) if home else None
    rows: list[Row] = []
    missing: list[str] = []
    for panel in spec.panels:
        reported = leaderboard.reported_values(panel.reported, {**spec.run, **panel.run})
        for method in spec.bars:
            place = {"panel": panel.label, "method": _title(method)}
            if isinstance(reported, dict) and method in reported:
                rows.append({**place, "source": REPORTED, "value": reported[method]})
            if opened is None:
                continue
            found = _measured(opened, spec, panel, method, column)
            if isinstance(found, str):
                missing.append(f"{panel.label}: {found}")
            else:
                rows.append({**place, "source": MEASURED, **found})
    return Figure(
        title=spec.title,
        caption=_caption(leaderboard, spec, rows),
        rows=rows,
        chart=lambda rows: _chart(rows, spec),
        missing=missing,
    )


def _measured(home: Home, spec: FigureSpec, panel: Panel, method: str, column: Column) -> Row | str:
    tasks = [column.task] if column.task else resolve_suite(str(column.average))
    fields: Fields = {**spec.run, **panel.run, "method": method}
    if method == "base":
        fields = {axis: value for axis, value in fields.items() if axis in ("method", "model")}
    found = home.estimate(fields, tasks)
    if isinstance(found, str):
        return found
    return (
        _gain(found) if spec.kind == "gains" else {"value": found.value, "low": found.low, "high": found.high}
    )


def _gain(found: Measured) -> Row | str:
    if found.gain is None or found.gain_low is None or found.gain_high is None:
        return "the base was not scored on the same questions"
    return {"value": found.gain, "low": found.gain_low, "high": found.gain_high}


def _title(method: str) -> str:
    return "base" if method == "base" else str(load("methods", method).title)


def _caption(leaderboard: Leaderboard, spec: FigureSpec, rows: list[Row]) -> str:
    sources = {row["source"] for row in rows}
    said = []
    if REPORTED in sources:
        said.append(f"As reported: {leaderboard.spec.source}.")
        if noise := noise_of_difference(spec, rows, leaderboard.spec.items):
            said.append(f"Two such numbers differ by up to ±{noise:.1f} points through noise alone (95 %).")
            said += _within_noise(spec, rows, noise, leaderboard.spec.items)
    if MEASURED in sources:
        said.append("Measured here: bars with 95 % intervals.")
    return " ".join(said) or "Nothing to show yet."


def _within_noise(spec: FigureSpec, rows: list[Row], noise: float, items: dict[str, int]) -> list[str]:
    """The reported gains that this noise makes by itself, where a task has few problems with their number."""
    base = {
        row["panel"]: row["value"] for row in rows if row["source"] == REPORTED and row["method"] == "base"
    }
    names = []
    for row in rows:
        if (
            row["source"] != REPORTED
            or row["method"] == "base"
            or (spec.kind == "scores" and row["panel"] not in base)
        ):
            continue
        gain = row["value"] - base[row["panel"]] if spec.kind == "scores" else row["value"]
        if abs(gain) < noise:
            count = round(gain / 100 * items[spec.task]) if spec.task else None
            problems = f", {count} of {items[spec.task]} problems" if spec.task and count is not None else ""
            names.append(f"{row['panel']} {row['method']} ({gain:+.2f}{problems})")
    return [f"Within it: {'; '.join(names)}."] if names else []


def noise_of_difference(spec: FigureSpec, rows: list[Row], items: dict[str, int]) -> float | None:
    """Points, 95 %: of two numbers with one sample an item, at the accuracies that are drawn, or at 50 % (where noise
    is largest) for gains, which do not tell theirs; None where the number of items is unknown."""
    tasks = [spec.task] if spec.task else resolve_suite(str(spec.average))
    if not all(task in items for task in tasks):
        return None
    shares = [row["value"] / 100 for row in rows if row["source"] == REPORTED and spec.kind == "scores"]
    share = min(shares, key=lambda one: abs(one - 0.5), default=0.5)
    error = math.sqrt(math.fsum(share * (1 - share) / items[task] for task in tasks)) / len(tasks)
    return 100 * QUANTILE * math.sqrt(2) * error


def _chart(rows: list[Row], spec: FigureSpec) -> Any:
    import altair as alt

    methods = list(dict.fromkeys(row["method"] for row in rows))
    sources = [source for source in (REPORTED, MEASURED) if any(row["source"] == source for row in rows)]
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    axis = "gain over the base, points" if spec.kind == "gains" else "accuracy, percent"
    x = alt.X("method:N", sort=methods, title=None, axis=alt.Axis(labelAngle=-35, domain=False, ticks=False))
    offset = alt.XOffset("source:N", sort=sources)
    base = alt.Chart(
        alt.InlineData(values=rows), width=max(180, 34 * len(methods) * len(sources)), height=240
    )
    bars = base.mark_bar().encode(
        x=x,
        xOffset=offset,
        y=alt.Y("value:Q", title=axis),
        color=alt.Color("source:N", title=None, sort=sources, scale=alt.Scale(domain=sources, range=COLOURS)),
    )
    whiskers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5, color="#333333")
        .encode(x=x, xOffset=offset, y="low:Q", y2="high:Q")
    )
    words = base.mark_text(fontSize=9, dy=alt.expr("datum.value < 0 ? 9 : -5")).encode(
        x=x,
        xOffset=offset,
        y="value:Q",
        text=alt.Text("value:Q", format="+.2f" if spec.kind == "gains" else ".2f"),
    )
    return (bars + whiskers + words).facet(column=alt.Column("panel:N", sort=panels, title=None), spacing=30)
