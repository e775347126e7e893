"""Whatever happens to a file of a home is told, or changes no number: single bits, whole files, files of others."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic_home import Plan, write_home
from genius_bench import integrity
from genius_bench.artifacts import Build, Identity, Store
from genius_bench.cli.regrade import regrade
from genius_bench.corpora.storing import queries_of
from genius_bench.engines.loading import resolve_model
from genius_bench.errors import InputError
from genius_bench.integrity import seal
from genius_bench.lab import MODEL_PATH
from genius_bench.reporting.board import build_board
from genius_bench.runs import Evaluation, Run, read_run, read_runs, write_run
from genius_bench.sharing.archive import export
from genius_bench.storage import publish_file

FLIPS = 60
WRITER = """
import sys
from pathlib import Path
from genius_bench.runs import Evaluation, Run, write_run
home, writer = Path(sys.argv[1]), sys.argv[2]
for number in range(40):
    one = Evaluation(model="m", fingerprint="f", settings={"writer": writer, "number": number}, scores={"t": "0"})
    write_run(home, Run(id="eval", evaluations=[one]))
"""


def everything(home: Path) -> str:
    """All numbers and rows that a home holds, as whoever uses them reads them."""
    [run] = read_runs(home)
    [made] = run.checkpoints
    store = Store(home)
    read: list[Any] = [asdict(build_board(home)), asdict(run), resolve_model(made["path"]).fingerprint]
    for kind, key in (("training-set", made["training_set"]), ("queries", run.corpus["key"])):
        read.append(list(store.named(kind, key).rows()))
    collected = store.named("training-set", made["training_set"]).manifest["inputs"]["collection"]
    return repr([*read, list(store.named("collection", collected).rows())])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with everything that a real one has: scores of two models, a model's files, rows of every stage."""
    home = tmp_path_factory.mktemp("whole")
    write_home(home, Plan(runs=1, tasks=2, items=4))
    store, [run] = Store(home), read_runs(home)
    [collection] = store.all("collection")
    training_set = store.make(identity("training-set", collection=collection.key), one_row)
    queries = store.make(queries_of(run.corpus["fingerprint"]), one_row)
    checkpoint = store.make(identity("checkpoint", training_set=training_set.key), a_model)
    record = {
        "iteration": "1",
        "training_set": training_set.key,
        "key": checkpoint.key,
        "path": str(checkpoint.path / "model"),
        "fingerprint": run.checkpoints[0]["fingerprint"],
    }
    write_run(home, replace(run, checkpoints=[record], corpus=run.corpus | {"key": queries.key}))
    return home


def identity(kind: str, **inputs: str) -> Identity:
    return Identity(kind=kind, version=1, parameters={"of": "tests"}, inputs=inputs)


def one_row(build: Build) -> None:
    build.write_shard([{"id": "a", "messages": [{"role": "user", "content": "Why?"}], "chosen_ids": [1, 2]}])


def a_model(build: Build) -> None:
    shutil.copytree(MODEL_PATH, build.path / "model")
    build.write_json("fingerprint.json", {"fingerprint": resolve_model("lab").fingerprint})
    build.record(steps=3, tokens_trained=10, parameters=10)


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy of it in the same place that the run names: paths in a record are absolute."""
    shutil.copytree(whole, tmp_path / "home")
    path = tmp_path / "home"
    [run] = read_runs(path)
    [record] = run.checkpoints
    moved = str(path / Path(record["path"]).relative_to(whole))
    write_run(path, replace(run, checkpoints=[record | {"path": moved}]))
    return path


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def test_a_flipped_bit_is_told_or_changes_nothing(home: Path) -> None:
    chance, right, told = random.Random(13), everything(home), 0
    files = [file for file in sorted(home.rglob("*")) if file.suffix in (".json", ".parquet", ".safetensors")]
    read = [file for file in files if "generations" not in file.parts]
    for file in chance.choices(read, k=FLIPS):
        content = file.read_bytes()
        flip(file, chance)
        try:
            assert everything(home) == right, f"{file} is damaged, and nobody says so"
        except InputError:
            told += 1
        file.write_bytes(content)
    assert everything(home) == right
    assert told > FLIPS / 2


def empty(file: Path) -> None:
    file.write_bytes(b"")


def remove(file: Path) -> None:
    file.unlink()


def one_more(file: Path) -> None:
    shutil.copyfile(file, file.with_name("00001.parquet"))


def that_of_another_task(file: Path) -> None:
    others = file.parents[2].glob("*/rows/*.parquet")
    shutil.copyfile(next(other for other in others if other.read_bytes() != file.read_bytes()), file)


def another_artifact(manifest: Path) -> None:
    [other, *_] = [one for one in manifest.parents[1].glob("*") if one != manifest.parent]
    shutil.rmtree(manifest.parent)
    shutil.copytree(other, manifest.parent)


def without_digest(record: Path) -> None:
    values = json.loads(record.read_text())
    del values["digest"]
    values["counters"]["tokens_sampled"] = 1
    record.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("place", "damage", "said"),
    [
        ("scores/*/rows/00000.parquet", empty, "another SHA-256"),
        ("scores/*/rows/00000.parquet", remove, "00000.parquet cannot be read"),
        ("scores/*/rows/00000.parquet", one_more, "00001.parquet is not one of the files"),
        ("scores/*/rows/00000.parquet", that_of_another_task, "00000.parquet is damaged"),
        ("scores/*/scores.json", remove, "scores.json cannot be read"),
        ("scores/*/manifest.json", remove, "run again what made it"),
        ("scores/*/manifest.json", another_artifact, "hash of other settings"),
        ("collection/*/manifest.json", without_digest, "changed or damaged"),
        ("training-set/*/rows/00000.parquet", empty, "another SHA-256"),
    ],
)
def test_damage_is_told_in_a_line_that_names_it(
    home: Path, place: str, damage: Callable[[Path], None], said: str
) -> None:
    [run] = read_runs(home)
    named = {key for one in run.evaluations for key in one.scores.values()}
    files = sorted((home / "artifacts").glob(place))
    damage(next(file for file in files if "scores" not in place or named & set(file.parts)))
    with pytest.raises(InputError, match=said) as told:
        everything(home)
    assert "\n" not in str(told.value)
    assert str(home) in str(told.value)


def test_scores_are_those_of_the_task_that_a_run_names(home: Path) -> None:
    [run] = read_runs(home)
    swapped = [
        replace(one, scores=dict(zip(one.scores, reversed(one.scores.values()), strict=True)))
        for one in run.evaluations
    ]
    write_run(home, replace(run, evaluations=swapped))
    with pytest.raises(InputError, match="as those of synthetic_0, and they are of synthetic_1"):
        build_board(home)


def test_a_stage_that_finds_a_damaged_artifact_says_so(home: Path) -> None:
    """Though its rows are not read again: what was made of them is there already."""
    store = Store(home)
    [found] = [one for one in store.all("training-set") if list(one.rows())]
    empty(found.path / "rows" / "00000.parquet")
    with pytest.raises(InputError, match=r"00000\.parquet is damaged .*another size.*: remove "):
        store.make(identity("training-set", **found.manifest["inputs"]), one_row)
    shutil.rmtree(found.path)
    again = store.make(identity("training-set", **found.manifest["inputs"]), one_row)
    assert (again.reused, len(list(again.rows()))) == (False, 1)


def test_what_lost_its_manifest_is_made_again(home: Path) -> None:
    store = Store(home)
    [found] = [one for one in store.all("training-set") if list(one.rows())]
    (found.path / "manifest.json").unlink()
    again = store.make(identity("training-set", **found.manifest["inputs"]), one_row)
    assert (again.reused, len(list(again.rows()))) == (False, 1)


def test_homes_from_before_there_were_hashes_are_read(home: Path) -> None:
    right = everything(home)
    for record in (*home.glob("runs/*.json"), *home.glob("artifacts/*/*/manifest.json")):
        values = json.loads(record.read_text())
        record.write_text(
            json.dumps({name: values[name] for name in values if name not in ("digest", "files")})
        )
    assert everything(home) == right
    [training_set] = [one for one in Store(home).all("training-set") if list(one.rows())]
    empty(training_set.path / "rows" / "00000.parquet")
    with pytest.raises(InputError, match="is damaged"):
        Store(home).make(identity("training-set", **training_set.manifest["inputs"]), one_row)


def test_export_names_what_is_gone_and_refuses_what_is_damaged(home: Path, tmp_path: Path) -> None:
    for kind in ("collection", "queries", "generations"):
        shutil.rmtree(home / "artifacts" / kind)
    gone = export(home, [], tmp_path / "runs.tar", weights=False).gone
    assert {line.split()[0] for line in gone} == {"collection", "queries", "generations"}
    shard = next(home.glob("artifacts/scores/*/rows/*.parquet"))
    content = shard.read_bytes()
    flip(shard, random.Random(1))
    with pytest.raises(InputError, match=r"00000\.parquet is damaged"):
        export(home, [], tmp_path / "damaged.tar", weights=False)
    shard.write_bytes(content)
    with pytest.raises(InputError, match="has the fingerprint"):  # the scores are of no such model
        export(home, [], tmp_path / "weights.tar")
    shutil.rmtree(shard.parents[1])
    with pytest.raises(InputError, match="run again what made them"):
        export(home, [], tmp_path / "scores.tar", weights=False)
    assert [file.name for file in tmp_path.glob("*.tar*")] == ["runs.tar"]


def test_what_no_run_leads_to_is_no_part_of_an_export(home: Path, tmp_path: Path) -> None:
    others = Store(home).make(queries_of("0" * 64), one_row)
    empty(others.path / "manifest.json")
    assert export(home, [], tmp_path / "runs.tar", weights=False).gone == []


def test_where_an_archive_finds_no_room_another_place_for_it_is_offered(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left .* choose another --output") as told:
        export(home, [], tmp_path / "runs.tar", weights=False)
    assert "--home" not in str(told.value)
    assert list(tmp_path.glob("*.tar*")) == []


def test_of_many_writers_of_one_run_none_loses_anything(tmp_path: Path) -> None:
    line = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*line, str(number)]) for number in range(4)]
    assert [writer.wait(timeout=300) for writer in writers] == [0] * 4
    [run] = read_runs(tmp_path)
    assert len(run.evaluations) == 4 * 40
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["eval.json"]


def test_what_a_killed_writer_left_is_cleared_and_spoils_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "eval.json.0123.tmp").write_text("half")
    write_run(tmp_path, Run(id="eval"))
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["eval.json"]


def test_two_writers_of_a_file_do_not_meet(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        publish_file(tmp_path / "file", lambda other: other.write(b"the other's"))
        file.write(b"mine")

    publish_file(tmp_path / "file", write)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"mine")]


def test_a_run_file_that_was_edited_is_told(tmp_path: Path) -> None:
    evaluation = Evaluation(model="m", fingerprint="f", settings={}, scores={"t": "0"})
    path = write_run(tmp_path, Run(id="eval", evaluations=[evaluation]))
    values = json.loads(path.read_text())
    values["evaluations"][0]["scores"] = {"t": "1"}
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="changed or damaged"):
        read_run(path)
    path.write_text(json.dumps(seal(values)))
    assert read_run(path).evaluations[0].scores == {"t": "1"}


def test_a_run_under_another_name_is_told(tmp_path: Path) -> None:
    path = write_run(tmp_path, Run(id="eval"))
    shutil.copyfile(path, path.with_name("copy.json"))
    with pytest.raises(InputError, match=r"copy\.json holds a run with the id 'eval'"):
        read_runs(tmp_path)


def test_weights_whose_manifest_is_gone_are_not_used(home: Path) -> None:
    [run] = read_runs(home)
    [made] = run.checkpoints
    (Path(made["path"]).parent / "manifest.json").unlink()
    flip(Path(made["path"]) / "model.safetensors", random.Random(1))
    with pytest.raises(InputError, match="run again what made it"):
        resolve_model(made["path"])


def test_regrading_names_what_is_gone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    regrade(home)
    assert capsys.readouterr().err == ""
    [run] = read_runs(home)
    scores = Store(home).named("scores", next(iter(run.evaluations[0].scores.values())))
    answers = scores.manifest["inputs"]["generations"]
    shutil.rmtree(home / "artifacts" / "generations" / answers)
    with pytest.raises(InputError, match=f"refer to what is gone .generations {answers[:12]}."):
        regrade(home)
    shutil.rmtree(scores.path)
    with pytest.raises(InputError, match=f"refer to what is gone .scores {scores.key[:12]}."):
        regrade(home)


def test_what_is_said_of_a_file_is_remembered_as_long_as_it_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a young one nothing is: within a tick of the file system's clock its times do not tell a change."""
    file = tmp_path / "file"
    asked: list[str] = []
    file.write_bytes(b"a model of many gigabytes")
    for _ in range(2):
        integrity.once(file, "asked", lambda: asked.append("young"))
    monkeypatch.setattr(integrity, "SETTLED_NS", 0)
    for _ in range(2):
        integrity.once(file, "asked", lambda: asked.append("once"))
    file.rename(tmp_path / "renamed")
    file.write_bytes(b"another model of many gigabytes")
    integrity.once(file, "asked", lambda: asked.append("again"))
    assert asked == ["young", "young", "once", "again"]
