"""Figure 6: the average against training steps, from the checkpoints that `train --eval-every` scored on the way."""

from pathlib import Path
from typing import Any

from genius_bench.boards.figures.figure import COLOURS, Figure, Row
from genius_bench.boards.measuring import Home
from genius_bench.boards.specification import Column, Fields, FigureSpec, Leaderboard
from genius_bench.evaluation.cards import resolve_suite
from genius_bench.registry import load


def figure(leaderboard: Leaderboard, spec: FigureSpec, home: Path | None) -> Figure:
    """A line a method with its 95 % band, the base at step 0. The paper prints no points, so only measured ones are
    drawn, on its axis."""
    column = Column(label="", average=spec.average)
    opened = Home(home, leaderboard, [column]) if home else None
    tasks = resolve_suite(str(spec.average))
    rows: list[Row] = []
    missing: list[str] = []
    for panel in spec.panels:
        for method in spec.lines:
            title = str(load("methods", method).title)
            fields = {**spec.run, **panel.run, "method": method}
            found = opened.curve(fields, tasks) if opened else []
            if len(found) < 2:
                missing.append(f"{panel.label}, {title}: {_command(leaderboard, fields)}")
                continue  # the base alone is no curve
            rows += [
                {
                    "panel": panel.label,
                    "method": title,
                    "step": step,
                    "value": one.value,
                    "low": one.low,
                    "high": one.high,
                }
                for step, one in found
            ]
    measured = "Measured here: mean over tasks with its 95 % interval."
    unprinted = ["The paper prints no points of this figure."] if leaderboard.reported else []
    return Figure(
        title=spec.title,
        caption=" ".join([measured if rows else "Nothing measured yet.", *unprinted]),
        rows=rows,
        chart=lambda rows: _chart(rows, spec),
        missing=missing,
    )


def _command(leaderboard: Leaderboard, fields: Fields) -> str:
    layer = leaderboard.layer(fields) or {}
    corpus = layer.get("corpus", {}).get("name")
    options = ["--model", leaderboard.model_of(fields), *(["--corpus", corpus] if corpus else [])]
    return f"genius-bench train --method {fields['method']} {' '.join(options)} --eval-every N"


def _chart(rows: list[Row], spec: FigureSpec) -> Any:
    import altair as alt

    methods = list(dict.fromkeys(row["method"] for row in rows))
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    base = alt.Chart(alt.InlineData(values=rows), width=320, height=240)
    colour = alt.Color("method:N", title=None, sort=methods, scale=alt.Scale(domain=methods, range=COLOURS))
    ends = [panel.end for panel in spec.panels if panel.end]
    x = alt.X("step:Q", title="training steps", scale=alt.Scale(domainMax=max(ends)) if ends else alt.Scale())
    y = alt.Y("value:Q", title="average, percent", scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.15).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    line = base.mark_line(point=True).encode(x=x, y=y, color=colour)
    return (line + band).facet(column=alt.Column("panel:N", sort=panels, title=None), spacing=30)
