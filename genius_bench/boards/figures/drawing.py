"""A figure by its number."""

from dataclasses import replace
from pathlib import Path

from genius_bench.boards.figures import bars, calibration, embeddings, steps
from genius_bench.boards.figures.figure import Figure
from genius_bench.boards.specification import Leaderboard

KINDS = {
    "calibration": calibration.figure,
    "gains": bars.figure,
    "scores": bars.figure,
    "steps": steps.figure,
    "embeddings": embeddings.figure,
}
ALWAYS_MEASURED = ("steps", "embeddings")
"""The paper prints no numbers of them."""


def draw(leaderboard: Leaderboard, number: str, home: Path, *, measured: bool) -> Figure:
    """Figure `number` of a board. Raises `InputError` where there is none."""
    spec = leaderboard.figure(number)
    drawn = KINDS[spec.kind](leaderboard, spec, home if measured or spec.kind in ALWAYS_MEASURED else None)
    return replace(drawn, title=f"Figure {number.lower().removeprefix('figure')}: {drawn.title}")
