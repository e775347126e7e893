"""What a home holds for cells, on scores that are known: whole numbers by hand, and points of a curve."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.boards.filling import fill
from genius_bench.boards.measuring import Home
from genius_bench.boards.sheet import sheet_of
from genius_bench.boards.specification import Column, open_leaderboard
from genius_bench.evaluation.cards import resolve_suite
from genius_bench.evaluation.controls import choosing_half
from genius_bench.layers import merge
from genius_bench.resolution import resolve
from genius_bench.runs import Evaluation, Run, read_runs, write_run
from tests.reporting.test_board import ITEMS, SETTINGS, write_scores
from tests.reporting.test_controls import CONTROL, answered

LAB = open_leaderboard("lab")
TASKS = resolve_suite("lab")
SKILL = {"genius": (0.80, 0.78, 0.76), "no_foresight": (0.60, 0.64, 0.68)}
"""Of three training seeds each."""


def evaluation(store: Store, name: str, skill: float, random: np.random.Generator) -> Evaluation:
    right = {task: random.random((ITEMS, 3)) < skill for task in TASKS}
    scores = {task: write_scores(store, name, task, verdicts) for task, verdicts in right.items()}
    return Evaluation(model=name, fingerprint=name, settings=SETTINGS, scores=scores)


def checkpoint(store: Store, name: str, steps: int) -> Artifact:
    def produce(build: Build) -> None:
        build.record(steps=steps)

    return store.make(Identity(kind="checkpoint", version=1, parameters={"of": name}), produce)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The base and three seeds of Genius and of one ablation; trainings of one method differ by a step in length."""
    random, store = np.random.default_rng(0), Store(tmp_path)
    base = replace(evaluation(store, "base", 0.5, random), model="lab")
    for variant, skills in SKILL.items():
        fields = {"method": "genius"} | ({"variant": variant} if variant != "genius" else {})
        for seed, skill in enumerate(skills):
            name = f"{variant}-{seed}"
            recipe = resolve(merge(LAB.layer(fields) or {}, {"seed": seed})).recipe.model_dump()
            key = checkpoint(store, name, 30 + seed).key
            run = Run(
                id=name,
                recipe=json.loads(json.dumps(recipe)),
                base="lab",
                base_fingerprint="base",
                checkpoints=[
                    {"iteration": "1", "fingerprint": name, "path": name, "training_set": "", "key": key}
                ],
                evaluations=[base, evaluation(store, name, skill, random)],
            )
            write_run(tmp_path, run)
    return tmp_path


def share(home: Path, name: str) -> float:
    """Percent right of the samples of one model, mean over tasks, straight from the stored rows."""
    store, tasks = Store(home), []
    [found] = [one for run in read_runs(home) for one in run.evaluations if one.fingerprint == name]
    for key in found.scores.values():
        artifact = store.find("scores", key)
        assert artifact
        tasks.append(np.mean([row["correct"] for row in artifact.rows() if row["repeat"]]))
    return float(100 * np.mean(tasks))


def test_a_loss_takes_every_seed_of_both_methods(home: Path) -> None:
    table = fill(LAB, "3", home)
    cells = {cell.path: cell for cell in table.cells}
    cell = cells["table3/w-o-foresight/delta"].measured
    assert cell
    means = {name: np.mean([share(home, f"{name}-{seed}") for seed in range(3)]) for name in SKILL}
    assert cell.value == pytest.approx(means["genius"] - means["no_foresight"])
    assert cell.low < cell.value < cell.high
    assert (cell.seeds, cell.items) == (3, ITEMS * len(TASKS))
    assert sorted(cell.fingerprints) == sorted(f"{name}-{seed}" for name in SKILL for seed in range(3))


def test_the_notes_tell_what_is_missing_and_how_many_seeds_there_are(home: Path) -> None:
    sheet = sheet_of(fill(LAB, "3", home), "measured")
    assert "3 training seeds a method" in sheet.caption
    [missing] = [note for note in sheet.notes if "not measured" in note]
    assert missing.startswith("9 of 26 cells"), (
        "Genius loses nothing against itself: no cell is missing there"
    )
    assert "no such run in this home (genius no_sampling)" in missing


def test_a_point_of_a_curve_is_all_seeds_or_none(home: Path) -> None:
    """Trainings of 30, 31 and 32 steps end together, at 31; what one seed alone kept is no point."""
    column = Column(label="", average="lab")
    alone = Home(home, LAB, [column]).curve({"method": "genius"}, TASKS)
    assert [(step, one.seeds) for step, one in alone] == [(0, 1), (31, 3)]
    [first, *others] = [run for run in read_runs(home) if run.id.startswith("genius")]
    for run in (first, *others):
        steps = (10, 20) if run is first else (10,)
        on_the_way: list[dict[str, Any]] = [
            {"iteration": "1", "step": str(step), "fingerprint": f"no_foresight-{run.id[-1]}"}
            for step in steps
        ]
        write_run(home, replace(run, on_the_way=on_the_way))
    found = Home(home, LAB, [column]).curve({"method": "genius"}, TASKS)
    assert [(step, one.seeds) for step, one in found] == [(0, 1), (10, 3), (31, 3)]


BOARD = """
name: own
title: own
source: measured here
common: {model: lab, evaluation: {protocol: strict}}
seeds: [0]
axes: {method: {base: {}, genius: {method: genius}}}
"""
TABLE = """
title: own
columns:
  - {label: best, average: "gsm8k,arc_challenge", shows: at best}
  - {label: beyond, average: "gsm8k,arc_challenge", shows: beyond}
  - {label: odd, average: "gsm8k,arc_challenge", slice: level 1}
  - {label: cost, average: "gsm8k,arc_challenge", shows: operations}
groups:
  - rows:
      - {label: lab, run: {method: base}}
      - {label: Genius, run: {method: genius}}
"""


def test_columns_look_into_an_average(tmp_path: Path) -> None:
    """By hand, on the half of the items that no temperature was chosen on: a lower one is all that the base needs."""
    (tmp_path / "board" / "tables").mkdir(parents=True)
    (tmp_path / "board" / "board.yaml").write_text(BOARD)
    (tmp_path / "board" / "tables" / "1.yaml").write_text(TABLE)
    board, home = open_leaderboard(str(tmp_path / "board")), tmp_path / "home"
    store, items = Store(home), np.arange(100)
    right = {  # at T=1, at T=0.5
        "base": (items % 2 == 0, items < 80),
        "tuned": (items % 4 < 3, items < 90),
    }
    asked = []
    for name, (hot, cool) in right.items():
        evaluations = [
            [
                answered(store, name, task, hot[:, None], {"samples": 1})
                for task in ("gsm8k", "arc_challenge")
            ],
            [
                answered(store, name, task, cool[:, None], CONTROL | {"temperature": 0.5}, control=True)
                for task in ("gsm8k", "arc_challenge")
            ],
        ]
        model = "lab" if name == "base" else name
        asked += [replace(one, scores=one.scores | other.scores, model=model) for one, other in evaluations]
    recipe = json.loads(json.dumps(resolve(board.layer({"method": "genius"}) or {}).recipe.model_dump()))
    checkpoint = {"iteration": "1", "fingerprint": "tuned", "path": "p", "training_set": "", "key": ""}
    write_run(
        home,
        Run(
            id="tuned",
            recipe=recipe,
            base="lab",
            base_fingerprint="base",
            checkpoints=[checkpoint],
            evaluations=asked,
        ),
    )
    cells = {cell.path: cell for cell in fill(board, "1", home).cells}
    halves = [
        [item for item in items if f"{task}-{item}" not in choosing_half(f"{task}-{i}" for i in items)]
        for task in ("gsm8k", "arc_challenge")
    ]
    at_best = {
        name: 100 * np.mean([np.mean(cool[half]) for half in halves]) for name, (_, cool) in right.items()
    }
    odd = None
    for label, name in (("lab", "base"), ("genius", "tuned")):
        best, odd = cells[f"table1/{label}/best"].measured, cells[f"table1/{label}/odd"].measured
        assert best
        assert best.value == pytest.approx(at_best[name])
        assert odd
        assert odd.value == pytest.approx(100 * np.mean(right[name][0][items % 2 == 1]))
    beyond = cells["table1/genius/beyond"].measured
    assert beyond
    assert beyond.value == pytest.approx(at_best["tuned"] - at_best["base"])
    assert beyond.p_value is not None
    assert odd
    assert odd.gain == pytest.approx(50)
    assert (cells["table1/lab/beyond"].measured, cells["table1/lab/beyond"].missing) == (None, "")
    assert "gone" in cells["table1/genius/cost"].missing
    sheet = sheet_of(fill(board, "1", home), "measured")
    assert sheet.rows[1][2].text.startswith(f"+{beyond.value:.1f} ")


@pytest.mark.parametrize(
    "given", [{"task": "gsm8k", "shows": "beyond"}, {"average": "lab", "slice": "a", "shows": "at best"}]
)
def test_a_column_shows_one_thing(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="one of lost_against, slice and shows, and with an average"):
        Column.model_validate({"label": "both", **given})
