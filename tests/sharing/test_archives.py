"""Runs from one home to another: nothing is lost on the way, and nothing false gets in."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from genius_bench.artifacts import Store
from genius_bench.engines.loading import resolve_model
from genius_bench.errors import InputError
from genius_bench.runs import read_runs
from genius_bench.sharing.archive import CONTENTS, export
from genius_bench.sharing.importing import import_archive

SMALL = ["--queries", "12", "--set", "sampling.steps=2", "--set", "training.batch_size=4"]
SMALL += ["--set", "training.micro_batch_size=4", "--eval-every", "2"]
SMALL += ["--suite", "lab_words,lab_facts", "--set", "evaluation.limit=5"]
SMALL += ["--set", "evaluation.temperatures=[0.5]"]

Files = dict[str, bytes]


def command(home: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "genius_bench", *arguments, "--home", str(home)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    command(path, "train", *SMALL)
    return path


@pytest.fixture(scope="module")
def archive(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "runs.tar"
    command(home, "export", "--output", str(path))
    return path


@pytest.mark.slow
def test_a_board_is_the_same_elsewhere(home: Path, archive: Path, tmp_path: Path) -> None:
    said = command(tmp_path, "import", str(archive)).stdout
    assert "imported: 1 run, " in said
    assert command(tmp_path, "board", "--json").stdout == command(home, "board", "--json").stdout
    [run], [original] = read_runs(tmp_path), read_runs(home)
    assert run.finished_at == original.finished_at
    for record in [*run.checkpoints, *run.on_the_way]:
        assert Path(record["path"]).is_relative_to(tmp_path)
        assert resolve_model(record["path"]).fingerprint == record["fingerprint"]
    # From a score back to the queries, with nothing gone.
    lineage = command(tmp_path, "inspect", run.id).stdout
    assert "gone" not in lineage


@pytest.mark.slow
def test_importing_twice_changes_nothing(archive: Path, tmp_path: Path) -> None:
    first = import_archive(tmp_path, archive)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    second = import_archive(tmp_path, archive)
    assert (first.known, second.artifacts) == (0, 0)
    assert second.known == first.artifacts + 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == times


def test_what_a_killed_import_left_undone_the_next_one_does(archive: Path, tmp_path: Path) -> None:
    import_archive(tmp_path, archive)
    cards = {card: card.read_bytes() for card in tmp_path.rglob("model/README.md")}
    assert cards
    for card in cards:
        card.rename(card.with_name("README.md.0123.tmp"))
    assert import_archive(tmp_path, archive).artifacts == 0
    assert {card: card.read_bytes() for card in tmp_path.rglob("model/README.md")} == cards


def test_nothing_of_this_machine_is_in_the_archive(home: Path, archive: Path) -> None:
    with tarfile.open(archive) as tar:
        texts = [
            tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
            if member.name.endswith(".json") and member.name.startswith("runs/")
        ]
        assert {(member.uname, member.mtime, member.uid) for member in tar} == {("", 0, 0)}
    assert texts
    assert not [text for text in texts if str(home) in text]


def test_the_same_archive_twice(home: Path, archive: Path, tmp_path: Path) -> None:
    export(home, [], tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == archive.read_bytes()


def test_without_weights_there_are_still_tables(home: Path, archive: Path, tmp_path: Path) -> None:
    light = tmp_path / "light.tar"
    command(home, "export", "--no-weights", "--output", str(light))
    assert light.stat().st_size < archive.stat().st_size / 2
    import_archive(tmp_path / "home", light)
    assert command(tmp_path / "home", "board", "--json").returncode == 0
    assert Store(tmp_path / "home").all("checkpoint") == []


def changed(archive: Path, target: Path, change: Callable[[Files], None], *, relist: bool = True) -> Path:
    """A copy of an archive with other contents; `relist` makes its list agree with them."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    change(files)
    if relist:
        listed = json.loads(files[CONTENTS])
        listed["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
            if name != CONTENTS
        }
        files[CONTENTS] = json.dumps(listed).encode()
    with tarfile.open(target, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target


def one(files: Files, part: str) -> str:
    return next(name for name in files if part in name)


def flip_a_bit(files: Files) -> None:
    name = one(files, "model.safetensors")
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


def another_score(files: Files) -> None:
    name = one(files, "runs/")
    run = json.loads(files[name])
    run["checkpoints"][-1]["fingerprint"] = "0" * 64
    files[name] = json.dumps(run).encode()


def another_setting(files: Files) -> None:
    name = next(one for one in files if "/scores/" in one and one.endswith("manifest.json"))
    manifest = json.loads(files[name])
    manifest["parameters"]["grader_version"] = 99
    files[name] = json.dumps(manifest).encode()


def out_of_the_home(files: Files) -> None:
    files["artifacts/scores/../../../evil.json"] = b"{}"


def scores_left_out(files: Files) -> None:
    for name in [one for one in files if "/scores/" in one]:
        del files[name]


@pytest.mark.parametrize(
    ("change", "relist", "said"),
    [
        (flip_a_bit, False, "changed or damaged"),
        (flip_a_bit, True, "has the fingerprint"),
        (another_score, True, "has the fingerprint"),
        (another_setting, True, "hash of other settings"),
        (out_of_the_home, True, "no place for a file"),
        (scores_left_out, True, "which are not in it"),
    ],
)
def test_what_is_false_does_not_get_in(
    archive: Path, tmp_path: Path, change: Callable[[Files], None], relist: bool, said: str
) -> None:
    bad = changed(archive, tmp_path / "bad.tar", change, relist=relist)
    with pytest.raises(InputError, match=said):
        import_archive(tmp_path / "home", bad)
    assert not list((tmp_path / "home").rglob("*.json"))
    assert not (tmp_path / "evil.json").exists()


def test_links_are_refused(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as old, tarfile.open(tmp_path / "bad.tar", "w") as new:
        for member in old:
            content = old.extractfile(member)
            if member.name.endswith("model.safetensors"):
                member.type, member.linkname, member.size, content = tarfile.SYMTYPE, "/etc/passwd", 0, None
            new.addfile(member, content)
    with pytest.raises(InputError, match="not as its list says"):
        import_archive(tmp_path / "home", tmp_path / "bad.tar")


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b broken"])
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.tar"
    path.write_bytes(content)
    with pytest.raises(InputError, match="archive"):
        import_archive(tmp_path / "home", path)


def test_half_an_archive(archive: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.tar"
    half.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    done = command(tmp_path / "home", "import", str(half), code=2)
    assert done.stderr.count("\n") == 1


def test_collisions_are_refused(home: Path, archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "home"
    shutil.copytree(home, other)
    [run] = (other / "runs").glob("*.json")
    values = json.loads(run.read_text())
    values["corpus"]["queries"] = 7
    run.write_text(json.dumps(values))
    with pytest.raises(InputError, match="another run"):
        import_archive(other, archive)
    shutil.rmtree(other / "runs")
    shard = next((other / "artifacts" / "scores").glob("*/rows/*.parquet"))
    shard.write_bytes(shard.read_bytes() + b" ")
    with pytest.raises(InputError, match="another content"):
        import_archive(other, archive)
    assert not (other / "runs").exists()


def test_an_unknown_run_is_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="genius-"):
        export(home, ["geniuss"], tmp_path / "x.tar")


def test_the_model_card_is_one_of_the_hub(home: Path) -> None:
    [run] = read_runs(home)
    record = run.checkpoints[-1]
    card = ModelCard.load(Path(record["path"]) / "README.md")
    assert card.data.pipeline_tag == "text-generation"
    assert card.data.library_name == "transformers"
    assert str(home) not in card.content
    shown_rows = json.loads(command(home, "board", "--json").stdout)
    rows = {
        row["fingerprints"][0]: row for row in shown_rows if row["fingerprints"]
    }  # controls are of no model
    cells: dict[str, Any] = rows[record["fingerprint"]]["cells"]
    shown = {result.dataset_name: result.metric_value for result in card.data.eval_results}
    assert shown == {task: round(100 * cell["value"], 2) for task, cell in cells.items()}
    # The recipe in the card makes the same run.
    text = card.text.partition("~~~yaml\n")[2].partition("~~~")[0]
    recipe = yaml.safe_load(text)
    assert recipe["training"]["eval_every"] == 2
    assert recipe["method"] == "genius"
