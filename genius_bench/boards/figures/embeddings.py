"""Figure 7: query embeddings of training corpora and tasks on a plane, as `genius-bench contamination` left them."""

from pathlib import Path
from typing import Any

from genius_bench.artifacts import Store
from genius_bench.boards.figures.figure import COLOURS, Figure, Row
from genius_bench.boards.specification import FigureSpec, Leaderboard
from genius_bench.contamination.comparing import described, newest

MORE_COLOURS = [*COLOURS, "#9ecae9", "#ffbf79", "#88d27a", "#d6a5c9"]


def figure(leaderboard: Leaderboard, spec: FigureSpec, home: Path | None) -> Figure:
    found = newest(Store(home), spec.corpora, spec.tasks) if home else None
    wanted = [*spec.corpora, *spec.tasks]
    rows: list[Row] = [
        {"set": name, "x": round(x, 3), "y": round(y, 3), "corpus": name in spec.corpora}
        for name, x, y in (found.places if found else [])
        if name in wanted
    ]
    there = {row["set"] for row in rows}
    caption = f"Measured here with {described(found.embedder)}." if found else "Nothing to show yet."
    sets = f"--corpus {' --corpus '.join(spec.corpora)} --suite {','.join(spec.tasks)}"
    lacking = [name for name in wanted if name not in there]
    return Figure(
        title=spec.title,
        caption=caption,
        rows=rows,
        chart=_chart,
        missing=[f"{', '.join(lacking)}: genius-bench contamination {sets}"] if lacking else [],
    )


def _chart(rows: list[Row]) -> Any:
    import altair as alt

    names = list(dict.fromkeys(row["set"] for row in rows))
    base = alt.Chart(alt.InlineData(values=rows), width=460, height=380)
    bare = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    colours = alt.Scale(domain=names, range=MORE_COLOURS)
    return base.mark_circle(size=16, opacity=0.65).encode(
        x=alt.X("x:Q", title=None, axis=bare),
        y=alt.Y("y:Q", title=None, axis=bare),
        color=alt.Color("set:N", title=None, sort=names, scale=colours),
    )
