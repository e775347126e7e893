"""The lab's plan against the lab's run: what was predicted, what is found afterwards, and what is left on disk."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.cli import main
from genius_bench.processes import in_own_process

QUERIES = 48
SMALL = ["train", "--queries", str(QUERIES), "--suite", "lab_words,lab_comparison"]
SMALL += [
    "--set",
    "sampling.steps=2",
    "--set",
    "training.batch_size=8",
    "--set",
    "training.micro_batch_size=8",
]
SMALL += ["--set", "evaluation.limit=16", "--set", "evaluation.samples=2", "--set", "engine.max_batch=64"]
SMALL += ["--set", "evaluation.temperatures=[0.5]"]
TOLERANCE = 0.3
"""Of tokens, for a calibration of eight queries and a run on others: the lab's responses differ that much."""
GIVEN = ["--throughput", "sampling=1000,training=1000"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def planned(home: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    main([*SMALL, "--dry-run", "--json", "--home", str(home), *more])
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plan


def steps_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = plan["parts"][0]["steps"]
    return steps


def counters(home: Path, kind: str) -> list[dict[str, float]]:
    return [artifact.manifest["counters"] for artifact in Store(home).all(kind)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    main([*SMALL, "--home", str(home)])
    return home


def test_the_plan_of_other_queries_comes_close(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(tmp_path, capsys, "--set", "corpus.seed=7")
    left = {path.parent.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"calibration"}
    sample, train, *scoring = steps_of(plan)
    [collected], [checkpoint] = counters(trained, "collection"), counters(trained, "checkpoint")
    for name, actual in (("read", collected["tokens_read"]), ("sampled", collected["tokens_sampled"])):
        assert sample[name]["value"] == pytest.approx(actual, rel=TOLERANCE), name
        assert sample[name]["source"] == "measured"
    assert train["trained"]["value"] == pytest.approx(checkpoint["tokens_trained"], rel=TOLERANCE)
    answers = counters(trained, "generations")
    total = sum(answer["tokens_sampled"] for answer in answers)
    assert sum(step["sampled"]["value"] for step in scoring) == pytest.approx(total, rel=TOLERANCE)
    assert sum(step["requests"]["value"] for step in scoring) == 2 * 2 * 16 * (3 + 1 + 3)
    assert plan["total"]["timed"]
    assert all(step["seconds"]["value"] > 0 for step in steps_of(plan))

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = planned(tmp_path, capsys, "--set", "corpus.seed=7")
    assert (again["parts"], again["total"]) == (plan["parts"], plan["total"])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before, "found, not tried again"


def test_after_the_run_everything_is_found(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(trained.rglob("*"))
    plan = planned(trained, capsys)
    assert {step["state"] for step in steps_of(plan)} == {"found"}
    assert not any(amount["value"] for amount in plan["total"].values() if isinstance(amount, dict))
    assert plan["parts"][0]["memory"] == []
    assert sorted(trained.rglob("*")) == before, "nothing was tried"
    main([*SMALL, "--dry-run", "--home", str(trained)])
    assert "everything is found" in capsys.readouterr().out


def test_a_training_set_that_is_there_is_counted(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(trained, home)
    shutil.rmtree(home / "artifacts" / "checkpoint")
    [checkpoint] = counters(trained, "checkpoint")
    sample, train, *scoring = steps_of(planned(home, capsys, *GIVEN))
    assert sample["state"] == "found"
    assert train["trained"] == {"value": checkpoint["tokens_trained"], "source": "counted"}
    assert train["seconds"]["value"] == pytest.approx(checkpoint["tokens_trained"] / 1000)
    states = {(step["model"], step["state"]) for step in scoring}
    assert states == {("lab", "found"), ("genius 1", "to make")}, "answers of unknown weights"


def test_what_an_interrupted_sampling_has_left_costs_nothing(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = steps_of(planned(tmp_path / "nothing", capsys, *GIVEN))[0]
    home = tmp_path / "copy"
    shutil.copytree(trained, home)
    [collection] = Store(home).all("collection")
    (collection.path / "manifest.json").unlink()
    partial = collection.path.with_name(collection.path.name + ".partial")
    collection.path.rename(partial)
    done = in_own_process(_rows_without_first_shard, partial)
    assert 0 < done < QUERIES
    sample = steps_of(planned(home, capsys, *GIVEN))[0]
    assert sample["state"] == "begun"
    left = (QUERIES - done) / QUERIES
    assert sample["sampled"]["value"] == pytest.approx(whole["sampled"]["value"] * left)


def test_an_online_training_is_planned_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """4 steps of 8 queries, in two epochs; of an interrupted one the steps that are left."""
    asked = ["train", "--method", "ttrl", "--queries", "16", "--no-eval", "--home", str(tmp_path)]
    asked += ["--set", "training.batch_size=64", "--set", "training.epochs=2", "--set", "corpus.seed=7"]
    asked += ["--set", "training.checkpoint_every=1"]
    main([*asked, "--dry-run", "--json"])
    sample, train = steps_of(json.loads(capsys.readouterr().out))
    main(asked)
    [checkpoint] = Store(tmp_path).all("checkpoint")
    counted = checkpoint.manifest["counters"]
    assert counted["steps"] == 4
    assert sample["requests"]["value"] == 2 * 16 * 8
    assert sample["read"]["value"] == pytest.approx(counted["tokens_read"], rel=TOLERANCE)
    assert sample["sampled"]["value"] == pytest.approx(counted["tokens_sampled"], rel=TOLERANCE)
    assert train["trained"]["value"] == pytest.approx(counted["tokens_trained"], rel=TOLERANCE)
    assert train["read"] == train["trained"]
    assert sample["seconds"]["source"] == train["seconds"]["source"] == "measured"
    capsys.readouterr()
    main([*asked, "--dry-run", "--json"])
    assert [step["state"] for step in steps_of(json.loads(capsys.readouterr().out))] == ["found", "found"]


def _rows_without_first_shard(partial: Path) -> int:
    """Removes a shard and counts the rows of the others."""
    import pyarrow.parquet as pq

    first, *others = sorted((partial / "rows").glob("*.parquet"))
    first.unlink()
    return sum(pq.read_metadata(shard).num_rows for shard in others)
