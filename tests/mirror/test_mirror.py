"""`data pull` and `data verify` against a hub on the loopback: real commands, real clients, made-up content."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from safetensors.torch import load_file

from genius_bench.corpora import load_corpus
from genius_bench.recipe import CorpusSection
from tests.mirror.conftest import COMMAND, CORPUS, MODEL, PROBLEMS, TASK, Run
from tests.mirror.loopback_hub import COMMIT, Hub, Repository

WEIGHTS = "models/made--up-model/model.safetensors"
QUERIES = "corpora/made--queries/train.jsonl.gz"
ITEMS = "math500/test.parquet"
EVERYTHING = ["--model", MODEL, "--corpus", CORPUS, "--suite", TASK]


pytestmark = pytest.mark.slow


@pytest.fixture
def mirror(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    run("data", "pull", str(folder), *EVERYTHING)
    return folder


def wrong(run: Run, folder: Path) -> dict[str, str]:
    """File or task → status, of what `data verify` finds wrong."""
    out = run("data", "verify", str(folder), code=1).stdout
    words = [line.split(maxsplit=1) for line in out.splitlines()]
    return {rest.split("  ")[0].strip(): status for status, rest in words if status != "ok"}


def test_a_pull_brings_what_the_recipe_needs_and_nothing_else(mirror: Path, hub: Hub) -> None:
    manifest = json.loads((mirror / "manifest.json").read_text())
    pieces = {piece["place"]: piece for piece in manifest["pieces"]}
    assert set(pieces) == {"models/made--up-model", QUERIES, ITEMS}
    assert pieces["models/made--up-model"]["revision"] == pieces[QUERIES]["revision"] == COMMIT
    assert pieces[ITEMS]["revision"] == pieces[ITEMS]["asked"] == "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be"
    assert [file["rows"] for file in pieces[ITEMS]["files"] + pieces[QUERIES]["files"]] == [500, 60]
    assert pieces[ITEMS]["as_expected"] is False  # made-up problems are not MATH-500
    names = {path.name for path in (mirror / "models/made--up-model").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= names
    assert not names & {"README.md", "pytorch_model.bin", "onnx", ".cache"}
    assert (mirror / WEIGHTS).read_bytes() == hub.repositories[MODEL].files["model.safetensors"]
    assert load_file(mirror / WEIGHTS)


def test_the_mirrored_corpus_is_the_hub_s(mirror: Path) -> None:
    corpus = load_corpus(CorpusSection(name=str(mirror / "corpora/made--queries")))
    assert len(corpus.queries) == 60
    assert corpus.columns == {"query": "query", "reference": "response"}


def test_what_is_there_is_not_fetched_again(mirror: Path, run: Run, hub: Hub) -> None:
    hub.fetched.clear()
    done = run("data", "pull", str(mirror), *EVERYTHING, "--set", "corpus.queries=5")
    assert hub.fetched == []
    assert "to fetch" not in done.stdout
    assert f"--model {mirror}/models/made--up-model" in done.stdout.replace("\n", " ")


def test_a_dry_run_fetches_nothing(run: Run, tmp_path: Path, hub: Hub) -> None:
    out = run("data", "pull", str(tmp_path / "none"), *EVERYTHING, "--dry-run").stdout
    assert out.count("to fetch") == 3
    assert not (tmp_path / "none").exists()
    assert hub.fetched == []


def test_damage_is_named_and_mended(mirror: Path, run: Run, hub: Hub) -> None:
    weights, queries, items = mirror / WEIGHTS, mirror / QUERIES, mirror / ITEMS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    queries.write_bytes(queries.read_bytes()[:-10])
    items.unlink()
    (mirror / "corpora/made--queries/more.jsonl").write_text("{}\n")
    assert wrong(run, mirror) == {
        WEIGHTS: "changed",
        QUERIES: "truncated",
        ITEMS: "missing",
        "corpora/made--queries/more.jsonl": "unexpected",
        f"task {TASK}": "missing",
    }
    (mirror / "corpora/made--queries/more.jsonl").unlink()
    run("data", "pull", str(mirror), *EVERYTHING)
    assert wrong(run, mirror) == {f"task {TASK}": "changed"}


def test_what_cannot_be_had_is_one_line_and_the_rest_comes(run: Run, tmp_path: Path, hub: Hub) -> None:
    hub.repositories["made/gated"] = Repository({"model.safetensors": b"x", "config.json": b"{}"}, gated=True)
    hub.repositories["made/unsafe"] = Repository({"pytorch_model.bin": b"x"})
    folder = str(tmp_path / "mirror")
    for model, reason in [
        ("made/gated", "accept their terms"),
        ("made/unsafe", "can run code"),
        ("made/none", "there is no made/none"),
    ]:
        done = run("data", "pull", folder, "--model", model, "--corpus", CORPUS, "--suite", TASK, code=1)
        [line] = [line for line in done.stderr.splitlines() if "not to be had" in line]
        assert line.startswith(f"model {model}: ")
        assert reason in line
        assert (tmp_path / "mirror" / QUERIES).exists()
        assert (tmp_path / "mirror" / ITEMS).exists()
        assert done.stderr.splitlines()[-1].startswith("error: 1 could not be had")
    assert wrong(run, Path(folder))["models/made--none"] == "missing"


def test_a_killed_pull_continues(run: Run, tmp_path: Path, hub: Hub, environment: dict[str, str]) -> None:
    folder = tmp_path / "mirror"
    arguments = ["data", "pull", str(folder), "--model", MODEL, "--corpus", "lab", "--suite", TASK]
    large = hub.repositories[MODEL].files["zzz.safetensors"] = bytes(range(256)) * 100_000
    hub.seconds_per_chunk = 0.2
    started = subprocess.Popen([*COMMAND, *arguments], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for_part(folder)
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    assert not (folder / "models/made--up-model/zzz.safetensors").exists()
    assert wrong(run, folder)["models/made--up-model"] == "missing"
    hub.seconds_per_chunk = 0.0
    hub.fetched.clear()
    run(*arguments)
    # no file that had come whole; the hub's client begins an unfinished one again
    assert [one for one in hub.fetched if one.startswith(MODEL)] == [f"{MODEL}: zzz.safetensors"]
    assert (folder / "models/made--up-model/zzz.safetensors").read_bytes() == large
    assert wrong(run, folder) == {f"task {TASK}": "changed"}


def wait_for_part(folder: Path) -> None:
    """Until a part of the large file is on disk (the client writes ten megabytes at a time)."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if any(path.stat().st_size > 2**20 for path in folder.rglob("*.incomplete")):
            return
        time.sleep(0.05)
    raise AssertionError("the large file was not begun")


def test_tasks_without_parquet_come_with_the_answers_to_compare_with(
    run: Run, tmp_path: Path, hub: Hub
) -> None:
    rows = [{"instruction": f"Name {n} birds.", "output": "Wren.", "generator": "one"} for n in range(4)]
    content = json.dumps(rows).encode()
    names = ("alpaca_eval.json", "alpaca_eval_gpt4_baseline.json")
    hub.repositories["datasets/tatsu-lab/alpaca_eval"] = Repository(dict.fromkeys(names, content))
    run("data", "pull", str(tmp_path / "mirror"), "--suite", "alpaca_eval")
    for split in ("eval", "eval_gpt4_baseline"):
        table = pq.read_table(tmp_path / "mirror" / "alpaca_eval" / f"{split}.parquet")
        assert table.select(["instruction", "output", "generator"]).to_pylist() == rows
    assert wrong(run, tmp_path / "mirror") == {"task alpaca_eval": "truncated"}


def test_one_pull_at_a_time(run: Run, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".pull.lock"):
        done = run("data", "pull", str(tmp_path), *EVERYTHING, code=2)
    assert done.stderr.strip().splitlines() == [f"error: another pull is at work in {tmp_path}"]


def test_a_folder_made_by_hand_is_checked_by_its_items(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "by-hand" / TASK
    place.mkdir(parents=True)
    (place / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS[:20]))
    assert wrong(run, tmp_path / "by-hand") == {f"task {TASK}": "truncated"}
    (place / "test.jsonl").rename(place / "train.jsonl")
    assert wrong(run, tmp_path / "by-hand") == {f"task {TASK}": "missing"}


def test_an_empty_folder_is_no_mirror(run: Run, tmp_path: Path) -> None:
    assert "nothing to verify" in run("data", "verify", str(tmp_path), code=2).stderr


def test_the_lab_needs_nothing(run: Run, tmp_path: Path, hub: Hub) -> None:
    assert "nothing to fetch" in run("data", "pull", str(tmp_path / "mirror")).stderr
    assert hub.fetched == []
