"""An online method through the command line: its run is found, costed, traced, shared and shown like any other, and its
rollouts go out as pairs do."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from genius_bench.api import Home
from genius_bench.artifacts import Store
from genius_bench.cli import main
from genius_bench.engines.loading import load_tokenizer
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.online.audit import audit_identity
from genius_bench.reporting.cost import cost_of
from genius_bench.runs import read_runs
from genius_bench.sharing.records import check_run
from genius_bench.sharing.references import closure
from genius_bench.site.building import build_site

ARGUMENTS = "train --method random-reward --queries 4 --no-eval --set sampling.responses=4 --set training.batch_size=8"


def train(home: Path) -> None:
    main([*ARGUMENTS.split(), "--set", "training.micro_batch_size=8", "--home", str(home)])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    train(path)
    return path


@pytest.mark.slow
def test_a_run_of_an_online_method_is_like_any_other(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(home)
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


def written(home: Path, file: Path, kind: str, *more: str) -> Path:
    main(["pairs", "--home", str(home), "--format", kind, "--output", str(file), *more])
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_rollouts_go_out_as_they_are_stored(home: Path, tmp_path: Path) -> None:
    """Against the stored rows and answers, which DuckDB reads past all of our own code."""
    stored = duckdb.sql(
        f"""select r.*, q.answer as gold, q.messages[-1].content as asked
            from read_parquet('{home}/artifacts/checkpoint/*/rows/*.parquet') r
            join read_parquet('{home}/artifacts/queries/*/rows/*.parquet') q on r.query_id = q.id
            order by r.step, r.id"""
    ).to_arrow_table()
    out = lines(written(home, tmp_path / "out.jsonl", "jsonl"))
    assert len(out) == 32, "4 steps of 2 groups of 4"
    assert [row["step"] for row in out] == sorted(row["step"] for row in out)
    tokenizer = load_tokenizer(MODEL_PATH)
    for row, kept in zip(
        sorted(out, key=lambda one: (one["step"], one["id"])), stored.to_pylist(), strict=True
    ):
        for name in (
            *("id", "query_id", "step", "number", "prompt_ids", "response_ids", "sampled_logps"),
            *("finish_reason", "entropy", "reward", "penalty", "advantage"),
        ):
            assert row[name] == kept[name], name
        assert (row["query"], row["response"], row["answer"]) == (kept["asked"], kept["text"], kept["gold"])
        assert row["prompt"] == tokenizer.decode(kept["prompt_ids"])
        assert row["group"] == f"{kept['step']}/{kept['query_id']}"
        assert len(row["sampled_logps"]) == len(row["response_ids"])
    # the auditor has counted these rows in another way: step by step, while it read them once
    store, [run] = Store(home), read_runs(home)
    audited = store.named("audit", audit_identity(run.checkpoints[0]["key"], run.corpus["fingerprint"]).key)
    for line in audited.json("audit.json"):
        right = [row["correct"] for row in out if row["step"] == line["step"]]
        assert sum(right) / len(right) == line["right"]
    assert pq.read_table(written(home, tmp_path / "out.parquet", "parquet")).to_pylist() == out
    frame = Home(home).rollouts(step=2)
    assert frame.to_dict("records")[0]["id"] == next(row["id"] for row in out if row["step"] == 2)
    assert (set(frame["step"]), len(frame)) == ({2}, 8)
    assert len(Home(home).rollouts("random")) == 32
    with pytest.raises(InputError, match="there is no step 5: the run has 4"):
        Home(home).rollouts(step=5)
    with pytest.raises(InputError, match="was trained online"):
        Home(home).pairs()


@pytest.mark.slow
def test_trl_reads_the_rollouts_token_by_token(home: Path, tmp_path: Path) -> None:
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    file = written(home, tmp_path / "trl.jsonl", "trl")
    tokenizer = load_tokenizer(MODEL_PATH)
    # what is cut off, or was sampled as other tokens than its text is made of, stays here
    ended = [
        row
        for row in lines(written(home, tmp_path / "out.jsonl", "jsonl"))
        if row["finish_reason"] == "eos"
        and tokenizer(tokenizer.decode(row["response_ids"]), add_special_tokens=False)["input_ids"]
        == row["response_ids"]
    ]
    data = load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert data["reward"] == [row["reward"] for row in ended]
    options = {"use_cpu": True, "bf16": False, "report_to": [], "gradient_checkpointing": False}
    trainer = SFTTrainer(
        model=str(MODEL_PATH),
        args=SFTConfig(output_dir=str(tmp_path / "trl"), max_length=None, max_steps=1, **options),
        train_dataset=data,
        processing_class=tokenizer,
    )
    for read, row in zip(trainer.train_dataset, ended, strict=True):
        assert read["input_ids"] == [*row["prompt_ids"], *row["response_ids"]]
        assert [label for label in read["labels"] if label >= 0] == row["response_ids"]
    assert trainer.train().training_loss > 0
