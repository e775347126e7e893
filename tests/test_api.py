"""The Python API: what the commands say as DataFrames, and a notebook that runs as printed."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genius_bench import Home
from genius_bench.errors import InputError
from genius_bench.reporting.board import build_board
from genius_bench.runs import Run, write_run
from tests.reporting.test_board import home as scored_home

NOTEBOOK = Path(__file__).parents[1] / "docs" / "workbench.ipynb"
scored = scored_home
"""A base and three seeds of one recipe."""


def test_asking_for_the_api_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'pandas', 'pyarrow', 'scipy', 'lm_eval'} & set(sys.modules)"
    script = f"import sys; from genius_bench import Home; Home('/nowhere'); assert not {heavy}, {heavy}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_scores_and_boards_are_shares(scored: tuple[Path, dict[str, Any]]) -> None:
    path, right = scored
    home = Home(path)
    rows = home.scores("genius-0")
    mine = rows[(rows["fingerprint"] == "seed-0") & (rows["task"] == "one")].set_index("metric")
    assert mine.loc["greedy", "value"] == pytest.approx(np.mean(right["seed-0"]["one"][:, 0]))
    assert mine.loc["sampled", "value"] == pytest.approx(np.mean(right["seed-0"]["one"][:, 1:]))
    assert len(home.scores()) == 3 * len(rows), "each run names its base's scores as well"
    board = home.board()
    [expected] = [row for row in build_board(path).rows if row.label == "genius seed 1"]
    found = board.set_index("label").loc["genius seed 1"]
    assert expected.average
    assert expected.average_gain
    assert found["average"] == pytest.approx(expected.average.value)
    assert found["gain_p_value"] == pytest.approx(expected.average_gain.p_value)
    assert found["two"] == pytest.approx(np.mean(right["seed-1"]["two"][:, 1:]))


def test_answers_carry_their_model(scored: tuple[Path, dict[str, Any]]) -> None:
    path, right = scored
    answers = Home(path).answers("genius-2", task="two")
    assert set(answers["model"]) == {"lab (base)", "genius seed 2"}
    mine = answers[(answers["model"] == "genius seed 2") & (answers["repeat"] == 0)]
    assert mine["correct"].sum() == right["seed-2"]["two"][:, 0].sum()


def test_runs_are_listed_with_their_state(scored: tuple[Path, dict[str, Any]]) -> None:
    path, _ = scored
    (path / "logs" / "runs").mkdir(parents=True)
    (path / "logs" / "runs" / "spin-0123456789.log").write_text("begun\n")
    listed = Home(path).runs().set_index("id")
    assert dict(listed["state"]) == dict.fromkeys(("genius-0", "genius-1", "genius-2"), "finished") | {
        "spin-0123456789": "interrupted"
    }
    with pytest.raises(InputError, match="it may be one of genius-0, genius-1, genius-2"):
        Home(path).scores("genius")


def test_a_run_without_a_training_set_has_no_pairs(tmp_path: Path) -> None:
    write_run(tmp_path, Run(id="eval-1"))
    with pytest.raises(InputError, match="has no training set"):
        Home(tmp_path).pairs()
    with pytest.raises(InputError, match="has no checkpoint"):
        Home(tmp_path).checkpoint()


def cells() -> list[str]:
    return [
        "".join(cell["source"])
        for cell in json.loads(NOTEBOOK.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_notebook_runs_and_ends_in_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENIUS_BENCH_HOME", str(tmp_path))
    names: dict[str, Any] = {}
    shown = None
    for cell in cells():
        *before, last = ast.parse(cell).body
        exec(compile(ast.Module(before, []), str(NOTEBOOK), "exec"), names)
        assert isinstance(last, ast.Expr), "each cell ends in what it shows"
        shown = eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)
    drawn = shown.to_dict()  # type: ignore[union-attr]
    assert drawn["mark"]["type"] == "line"
    [points] = drawn["datasets"].values()
    assert [point["step"] for point in points] == list(range(1, len(points) + 1))
    assert all(np.isfinite(point["loss"]) for point in points)
    assert {"chosen_correct", "reference_chosen_logp", "prompt_ids"} <= set(names["pairs"].columns)
    assert names["home"].checkpoint(names["run"]).is_dir()
