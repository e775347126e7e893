"""An online method through the command line: its run is found, costed, traced, shared and shown like any other."""

from dataclasses import asdict
from pathlib import Path

import pytest

from genius_bench.artifacts import Store
from genius_bench.cli import main
from genius_bench.online.audit import audit_identity
from genius_bench.reporting.cost import cost_of
from genius_bench.runs import read_runs
from genius_bench.sharing.records import check_run
from genius_bench.sharing.references import closure
from genius_bench.site.building import build_site

ARGUMENTS = "train --method random-reward --queries 4 --no-eval --set sampling.responses=4 --set training.batch_size=8"


def test_a_run_of_an_online_method_is_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        main([*ARGUMENTS.split(), "--set", "training.micro_batch_size=8", "--home", str(home)])
    assert "(chosen with labels)" in capsys.readouterr().err
    store, [run] = Store(home), read_runs(home)
    [checkpoint] = run.checkpoints
    made = store.named("checkpoint", checkpoint["key"])
    assert made.manifest["counters"]["attempts"] == 1, "the second time it is found"
    assert made.manifest["counters"]["steps"] == 4, "16 responses, 8 a step, twice"
    assert store.named("audit", audit_identity(made.key, run.corpus["fingerprint"]).key).json("audit.json")
    cost = cost_of(store, run, 1)
    assert cost is not None
    assert cost.tokens_sampled == sum(len(row["response_ids"]) for row in made.rows())
    check_run(asdict(run))
    assert closure([run], store)[1] == {}
    build_site(home, tmp_path / "site")
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.js")]
    assert any(made.key in page for page in pages)
    assert any("by hidden answers/right" in page for page in pages), (
        "the auditor's lines beside the trainer's"
    )
