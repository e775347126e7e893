"""The board of a run that really happened: trained and scored here, on the lab's model."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from .conftest import graded, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def run_command(*arguments: str) -> str:
    command = [sys.executable, "-m", "genius_bench", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=580)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_trained_run_is_shown_from_its_scores_back_to_its_queries(page: "Page", tmp_path: Path) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    small = ("--queries", "6", "--suite", "lab_words,lab_deduction")
    limits = ["--set", "evaluation.limit=6", "--set", "evaluation.samples=2"]
    limits += ["--set", "evaluation.temperatures=[]"]  # what is read past our code here knows of no controls
    run_command("train", "--home", str(home), "--method", "genius", *small, *limits)
    run_command("board", "--home", str(home), "--html", str(site))
    run = json.loads(next((home / "runs").glob("*.json")).read_text())
    made = run["checkpoints"][0]

    open_page(page, site)
    rows = graded(home)
    for model in {row["model"] for row in rows}:
        for task in ("lab_words", "lab_deduction"):
            drawn = [
                r["correct"] for r in rows if (r["model"], r["task"]) == (model, task) and r["repeat"] > 0
            ]
            shown = page.inner_text(f"#model-{model} [data-task={task}] > :first-child")
            assert shown == f"{100 * sum(drawn) / len(drawn):.1f}"

    page.locator(f"#model-{made['fingerprint'][:12]} th a").click()
    page.wait_for_selector(".lineage")
    assert page.locator(".small-chart svg path.stroke").count() >= 3
    differs = page.inner_text(".differs")
    assert "evaluation.limit\n6" in differs  # asked for above
    assert "beam_size" not in differs
    recipe = page.inner_text(".recipe")
    assert f"beam_size\n{run['recipe']['sampling']['beam_size']}" in recipe
    manifest = json.loads((home / "artifacts/checkpoint" / made["key"] / "manifest.json").read_text())
    assert manifest["environment"]["packages"]["torch"] in page.inner_text(".page")
    page.locator(".lineage .queries a").click()
    page.wait_for_selector(".list-row")

    traces = collected(home, made["training_set"])
    for place, row in enumerate(traces):
        open_page(page, site, f"#/queries/{next((site / 'data/runs').glob('*.js')).stem}/1/{place}")
        assert row["id"] in page.inner_text(".crumbs")
        steps = json.loads(row["trace"])
        assert page.locator(".tree-step").count() == len(steps)
        assert page.locator(".candidate.chosen").count() == sum(step["chosen"] is not None for step in steps)
        assert page.locator(".training-row").count() == len(json.loads(row["rows"]))
        question = page.inner_text(".prompt pre")
        assert len(question) > 10
        if steps and json.loads(row["rows"]):
            pair = next(step for step in steps if step["chosen"] is not None)
            chosen = pair["candidates"][pair["chosen"]]
            assert chosen["step"].strip() in page.inner_text(".page")


def collected(home: Path, training_set: str) -> list[dict[str, Any]]:
    """Queries in the order of the collection's shards, read past all of our own code."""
    manifest = json.loads((home / "artifacts/training-set" / training_set / "manifest.json").read_text())
    shards = (home / "artifacts/collection" / manifest["inputs"]["collection"] / "rows").glob("*.parquet")
    return [
        row
        for shard in sorted(shards, key=lambda path: int(path.stem))
        for row in pq.read_table(shard).to_pylist()
    ]
