"""The sentence that a board begins with and the marks beneath it; whose help a recipe had."""

from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.reporting.board import Board
from genius_bench.reporting.finding import finding
from genius_bench.reporting.marks import marks
from genius_bench.reporting.row import Row
from genius_bench.reporting.scored import Scored
from genius_bench.reporting.sharpening import Sharpening
from genius_bench.runs import Run
from genius_bench.statistics import Difference, Estimate

SCORE = Estimate(0.5, 0.4, 0.6)


def row(label: str, *models: str, gain: Difference | None = None, **more: Any) -> Row:
    values: dict[str, Any] = {
        "base": "b", "is_base": gain is None, "seeds": len(models), "fingerprints": models, "cells": {},
        "gains": {}, "average": SCORE, "average_gain": gain, "greedy": None, "greedy_gain": None, "released": None,
    }  # fmt: skip
    return Row(label=label, **(values | more))


def said(*rows: Row) -> str | None:
    return finding(Board([], {}, {}, [row("lab (base)", "b"), *rows]))


GOOD = Difference(0.1624, 0.151, 0.173, 0.0001)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], None),
        ([row("genius seed 0", "g", gain=GOOD)], "genius seed 0 +16.2 [+15.1, +17.3] over lab"),
        (
            # one lucky seed is no finding where its recipe has three
            [
                row("genius seed 0", "x", gain=Difference(0.3, 0.2, 0.4, 0.0001)),
                row("genius seed 1", "y", gain=GOOD),
                row("genius, 2 seeds", "x", "y", gain=Difference(0.1, 0.05, 0.15, 0.01)),
                row("star seed 0", "s", gain=GOOD),
            ],
            "star seed 0 +16.2 [+15.1, +17.3] over lab",
        ),
        (
            [row("genius seed 0", "g", gain=Difference(0.01, -0.01, 0.03, 0.3))],
            "No gain that chance does not explain: the most is genius seed 0 +1.0 [-1.0, +3.0] over lab",
        ),
        (
            # a base at another temperature is no training
            [
                row("lab, T=0.5", gain=Difference(0.5, 0.4, 0.6, 0.0001), is_control=True),
                row(
                    "genius seed 0",
                    "g",
                    gain=GOOD,
                    sharpening=Sharpening((0.5,), SCORE, beyond=Difference(0.003, -0.01, 0.02, 0.6)),
                ),
            ],
            "genius seed 0 +16.2 [+15.1, +17.3] over lab; +0.3 [-1.0, +2.0] beyond sharpening",
        ),
    ],
)
def test_the_finding_is_the_recipe_that_gained_most(rows: list[Row], words: str | None) -> None:
    assert said(*rows) == words


def test_marks_name_help_single_seeds_and_a_single_base() -> None:
    gold = row("gold-grpo, 2 seeds", "x", "y", gain=GOOD, helped_by=("answers",))
    board = Board([], {}, {}, [row("lab (base)", "b"), row("gold-grpo seed 0", "x", gain=GOOD), gold])
    assert marks(board) == [
        "Help from outside: gold answers (gold-grpo, 2 seeds).",
        "All trained from one base model, lab: another family's may learn otherwise.",
    ]
    alone = row("sft seed 0", "s", gain=GOOD, base="c", helped_by=("references",))
    other = row("qwen (base)", "q", base="c")
    assert marks(Board([], {}, {}, [*board.rows, other, alone])) == [
        "Help from outside: gold answers (gold-grpo, 2 seeds); gold responses (sft seed 0).",
        "One training seed only, whose luck no interval holds: sft seed 0.",
    ]
    assert marks(Board([], {}, {}, [row("lab (base)", "b")])) == []


@pytest.mark.parametrize(
    ("method", "sampling", "helped"),
    [
        ("genius", {}, set()),
        ("star", {"filter": "gold"}, {"answers"}),
        ("star", {"filter": "none"}, set()),
        ("pairs", {}, {"pairs"}),
        ("sft", {"an_option": "of another day"}, {"references"}),
        ("gone", {}, set()),
    ],
)
def test_whose_help_a_recipe_had(
    tmp_path: Path, method: str, sampling: dict[str, Any], helped: set[str]
) -> None:
    recipe = {"method": method, "variant": "paper", "seed": 0, "sampling": sampling}
    run = Run(id="x", recipe=recipe, base="lab", base_fingerprint="b", checkpoints=[], evaluations=[])
    scored = Scored(method, "f", "b", recipe, 1, {}, (Store(tmp_path), run))
    assert scored.helped_by == helped
