"""Figure 3: how ACO's weight of the rejected response falls with its advantage, from the objective's own code."""

from math import inf
from pathlib import Path
from typing import Any

from genius_bench.boards.figures.figure import COLOURS, Figure, Row
from genius_bench.boards.specification import FigureSpec, Leaderboard

REACH = 4.0
"""Nats per token to both sides."""
POINTS = 161


def figure(leaderboard: Leaderboard, spec: FigureSpec, home: Path | None) -> Figure:
    """w(A) of Eq. 11 for every α of the specification; α = ∞ is DPO, w = 1 everywhere."""
    import torch

    from genius_bench.objectives.aco import calibration_weight

    gaps = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    rows: list[Row] = []
    for order, alpha in enumerate(spec.alphas):
        weighting = "none" if alpha == inf else "min"
        weights = calibration_weight(gaps, 1.0 if alpha == inf else alpha, weighting)  # type: ignore[arg-type]
        label = "∞ (DPO)" if alpha == inf else f"{alpha:g}"
        rows += [
            {"gap": round(gap, 6), "weight": weight, "alpha": label, "order": order}
            for gap, weight in zip(gaps.tolist(), weights.tolist(), strict=True)
        ]
    return Figure(
        title=spec.title,
        caption="Computed by the objective of this package (Eq. 11). Aˡ > Aʷ is the calibration region.",
        rows=rows,
        chart=_chart,
    )


def _chart(rows: list[Row]) -> Any:
    import altair as alt

    labels = list(dict.fromkeys(row["alpha"] for row in rows))
    base = alt.Chart(alt.InlineData(values=rows), width=420, height=260)
    return base.mark_line(strokeWidth=2).encode(
        x=alt.X("gap:Q", title="Aˡ − Aʷ, nats per token"),
        y=alt.Y("weight:Q", title="weight w of the rejected response", scale=alt.Scale(domain=[0, 1.05])),
        color=alt.Color("alpha:N", title="α", sort=labels, scale=alt.Scale(domain=labels, range=COLOURS)),
        strokeDash=alt.StrokeDash("alpha:N", title="α", sort=labels, scale=alt.Scale(domain=labels)),
    )
