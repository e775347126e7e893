"""Archives that were made to do harm: each is refused in a line, and the home is byte for byte as it was."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock, Timeout

from benchmarks.synthetic_home import Plan, write_home
from genius_bench.artifacts import Artifact, Identity, Store
from genius_bench.engines import loading
from genius_bench.errors import InputError
from genius_bench.integrity import seal
from genius_bench.reporting.board import build_board
from genius_bench.runs import Evaluation, Run, read_runs, write_run
from genius_bench.sharing import importing
from genius_bench.sharing.archive import CONTENTS, export
from genius_bench.sharing.importing import import_archive
from genius_bench.sharing.plain_tar import NotPlainError, members

Files = dict[str, bytes]
Record = dict[str, Any]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What an archive of a run with scores and a checkpoint (without a model) holds, its list aside."""
    home = tmp_path_factory.mktemp("made")
    write_home(home, Plan(runs=1, tasks=2, items=4))
    [run] = read_runs(home)
    recipe = {**run.recipe, "objective": {"name": "advantage"}} if run.recipe else None
    write_run(home, replace(run, recipe=recipe))
    export(home, [], home / "runs.tar")
    with tarfile.open(home / "runs.tar") as tar:
        return {one.name: tar.extractfile(one).read() for one in tar if one.name != CONTENTS}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody else, with scores of its own; made once, since everything in it is flushed to disk."""
    home = tmp_path_factory.mktemp("somebodys")
    write_home(home, Plan(runs=0, tasks=1, items=4))
    (home / "locks" / "import.lock").touch()  # of an earlier import: others may wait for it, so it stays
    return home


@pytest.fixture
def home(somebodys: Path, tmp_path: Path) -> Path:
    shutil.copytree(somebodys, tmp_path / "home")
    return tmp_path / "home"


def packed(files: Files, path: Path, listed: Record | None = None) -> Path:
    """An archive whose list is true of its files; `listed` changes parts of it."""
    list_of_files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    contents = {"format": 1, "runs": [], "files": list_of_files} | (listed or {})
    with tarfile.open(path, "w") as tar:
        for name, content in {CONTENTS: json.dumps(contents).encode(), **files}.items():
            add(tar, name, content)
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes, **about: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in about.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(content))


def state_of(home: Path) -> dict[str, bytes | None]:
    return {
        file.relative_to(home).as_posix(): file.read_bytes() if file.is_file() else None
        for file in home.rglob("*")
    }


def refused(home: Path, archive: Path, said: str) -> None:
    before = state_of(home)
    with pytest.raises(InputError, match=said) as told:
        import_archive(home, archive)
    assert "\n" not in str(told.value)
    assert str(archive) in str(told.value)
    assert state_of(home) == before


def test_an_archive_that_is_as_it_should_be(files: Files, home: Path, tmp_path: Path) -> None:
    """So that the others are refused for what was changed in them."""
    done = import_archive(home, packed(files, tmp_path / "good.tar"))
    assert (len(done.runs), done.known) == (1, 2)  # the base was scored here, too
    assert len(build_board(home).rows) == 2
    assert not (home / "imports").exists()


RUN: dict[str, tuple[Callable[[Record], object], str]] = {
    "no recipe": (lambda run: run.update(recipe=None), "no recipe"),
    "an objective without a name": (lambda run: run["recipe"].update(objective={}), "recipe.objective.name"),
    "a recipe that is none": (lambda run: run["recipe"].update(learning=1), "unknown key"),
    "a key upwards": (
        lambda run: run.update(on_the_way=[on_the_way(run, key="../../..")]),
        "on_the_way.0.key",
    ),
    "a folder upwards": (lambda run: run.update(on_the_way=[on_the_way(run, folder="../model")]), "folder"),
    "of no checkpoint": (
        lambda run: run.update(on_the_way=[on_the_way(run, key="0" * 64)]),
        "belongs to none",
    ),
    "a checkpoint upwards": (
        lambda run: run["checkpoints"][0].update(key="../" * 21 + "a"),
        "checkpoints.0.key",
    ),
    "a number": (lambda run: run["checkpoints"][0].update(iteration=1), "checkpoints.0.iteration"),
    "another iteration": (lambda run: run["checkpoints"][0].update(iteration="2"), "iteration 1, 2"),
    "an unknown field": (lambda run: run.update(owner="me"), "owner"),
    "a field less": (lambda run: run.pop("corpus"), "corpus"),
    "a list": (lambda run: run.update(evaluations={"a": 1}), "evaluations"),
    "scores upwards": (lambda run: run["evaluations"][0]["scores"].update(synthetic_0="../../x"), "scores"),
    "scores of another task": (lambda run: swap(run["evaluations"][0]["scores"]), "of another"),
    "another id": (lambda run: run.update(id="another"), "the id 'another'"),
    "text as overlap": (lambda run: run["corpus"].update(overlap={"gsm8k": "none"}), "overlap"),
    "settings within settings": (lambda run: run["evaluations"][0]["settings"].update(nested(900)), "deep"),
    "no time": (lambda run: run.update(finished_at="yesterday"), "finished_at"),
    "half a character": (lambda run: run.update(base="\ud800"), r"'\\ud800' is no text"),
    "half a character as a key": (lambda run: run["corpus"].update({"\udfff": 1}), r"'\\udfff' is no text"),
    "half a character deep inside": (
        lambda run: run["recipe"]["sampling"].update(a=[{"b": "\ud83d"}]),
        "no text",
    ),
    "no number": (lambda run: run["corpus"].update(origin={"a": [float("nan")]}), "no finite number"),
    "an endless number": (lambda run: run["recipe"]["sampling"].update(a=-float("inf")), "no finite number"),
    "a control that is none": (lambda run: run["evaluations"][0].update(control="yes"), "control"),
    "samples": (lambda run: run["evaluations"][0]["settings"].update(samples="many"), "settings.samples"),
    "a temperature": (lambda run: run["evaluations"][1]["settings"].update(temperature={}), "temperature"),
    "no limit": (lambda run: run["evaluations"][1]["settings"].pop("limit"), "settings.limit is missing"),
}


def on_the_way(run: Record, **changes: str) -> Record:
    [made] = run["checkpoints"]
    record = {name: made[name] for name in ("iteration", "key", "fingerprint")}
    return record | {"step": "3", "folder": "steps/3/model"} | changes


def nested(depth: int) -> Record:
    return {"a": nested(depth - 1)} if depth else {}


def swap(scores: dict[str, str]) -> None:
    scores.update(dict(zip(scores, reversed(scores.values()), strict=True)))


@pytest.mark.parametrize("change", RUN)
def test_a_run_that_no_board_could_show(files: Files, home: Path, tmp_path: Path, change: str) -> None:
    [name] = [name for name in files if name.startswith("runs/")]
    run, (action, said) = json.loads(files[name]), RUN[change]
    action(run)
    refused(home, packed({**files, name: json.dumps(run).encode()}, tmp_path / "bad.tar"), said)


MANIFEST: dict[str, tuple[str, Callable[[Record], object], str]] = {
    "no counters": ("checkpoint", lambda one: one.update(counters={}), "counters.steps: Field required"),
    "endless": ("checkpoint", lambda one: one["counters"].update(steps=float("inf")), "finite"),
    "steps backwards": ("checkpoint", lambda one: one["counters"].update(steps=-1), "counters.steps"),
    "half a step": ("checkpoint", lambda one: one["counters"].update(steps=1.5), "counters.steps"),
    "a step that is true": ("checkpoint", lambda one: one["counters"].update(steps=True), "counters.steps"),
    "half a character": ("collection", lambda one: one["environment"].update(a="\ud800"), "is no text"),
    "a list of files": ("collection", lambda one: one.update(files=[]), "files"),
    "a text of files": ("scores", lambda one: one.update(files="x"), "files"),
    "true files": ("checkpoint", lambda one: one.update(files=True), "files"),
    "files without sizes": ("generations", lambda one: one.update(files={"items.json": {}}), "files"),
    "a text": ("collection", lambda one: one.update(environment="mine"), "environment"),
    "no files": ("scores", lambda one: one.update(files={}), "not as its manifest says"),
    "other settings": (
        "scores",
        lambda one: one["parameters"].update(grader_version=99),
        "hash of other settings",
    ),
    "settings that are none": ("scores", lambda one: one.update(parameters=[]), "hash of other settings"),
}


@pytest.mark.parametrize("change", MANIFEST)
def test_a_manifest_that_no_board_could_read(files: Files, home: Path, tmp_path: Path, change: str) -> None:
    kind, action, said = MANIFEST[change]
    name = next(name for name in files if f"/{kind}/" in name and name.endswith("manifest.json"))
    manifest = json.loads(files[name])
    action(manifest)
    refused(home, packed({**files, name: json.dumps(seal(manifest)).encode()}, tmp_path / "bad.tar"), said)


def answers(*rows: Record) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


ANSWER: Record = {"item_id": "synthetic_0-0", "repeat": 0, "text": "", "finish_reason": "eos", "error": ""}


@pytest.mark.parametrize(
    ("kind", "file", "content", "said"),
    [
        ("scores", "scores.json", b'[{"task": "synthetic_0"}]', "holds no scores"),
        ("generations", "items.json", b"[]", "valid dictionary"),
        ("generations", "items.json", b'{"items": []}', "expected_items: Field required"),
        ("generations", "rows/00000.parquet", answers({"item_id": "synthetic_0-0"}), "answer without repeat"),
        ("generations", "rows/00000.parquet", answers(ANSWER | {"text": 3}), "answer without text"),
        (
            *("generations", "rows/00000.parquet"),
            *(answers(ANSWER | {"item_id": "x", "token_ids": [1]}), "without an item"),
        ),
        ("generations", "rows/².parquet", answers({"item_id": "synthetic_0-0"}), "answer without repeat"),
    ],
)
def test_what_boards_or_regrading_could_not_read(
    files: Files, home: Path, tmp_path: Path, kind: str, file: str, content: bytes, said: str
) -> None:
    """Hashes and all are right: whoever made the archive made them."""
    place = next(name for name in files if f"/{kind}/" in name and name.endswith("/manifest.json"))
    manifest = json.loads(files[place])
    manifest["files"][file] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    changed = place.replace("manifest.json", file)
    bad = {**files, changed: content, place: json.dumps(seal(manifest)).encode()}
    refused(home, packed(bad, tmp_path / "bad.tar"), said)


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        ("generations", {}, "parameters.task: Field required"),
        ("collection", {}, "no run in it leads to collection"),
        ("surprise", {}, "no run in it leads to surprise"),
    ],
)
def test_artifacts_that_no_run_leads_to(
    files: Files, home: Path, tmp_path: Path, kind: str, parameters: Record, said: str
) -> None:
    identity = Identity(kind=kind, version=1, parameters=parameters)
    made = Store(tmp_path / "other").make(identity, lambda build: None)
    more = {f"artifacts/{kind}/{made.key}/manifest.json": (made.path / "manifest.json").read_bytes()}
    refused(home, packed({**files, **more}, tmp_path / "bad.tar"), said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("artifacts/scores/../../../evil.json", "no place for a file"),
        ("/etc/evil.json", "no place for a file"),
        ("runs/.hidden.json", "no place for a file"),
        ("artifacts/scores/0/manifest.json", "no place for a file"),
        (f"artifacts/scores/{'0' * 64}/{'x' * 300}", "no place for a file"),
        (f"artifacts/scores/{'0' * 64}/rows", "no .*manifest.json"),
    ],
)
def test_names_that_are_none(files: Files, home: Path, tmp_path: Path, name: str, said: str) -> None:
    refused(home, packed({**files, name: b"{}"}, tmp_path / "bad.tar"), said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "update genius-bench"),
        ({"format": True}, "has format True"),
        ({"files": []}, "damaged"),
        ({"files": {"runs/a.json": {"bytes": -1, "sha256": "0" * 64}}}, "damaged"),
        ({"files": {"runs/a.json": {"bytes": True, "sha256": "0" * 64}}}, "damaged"),
        ({"files": {"runs/a.json": {"bytes": 1, "sha256": "0" * 63 + "G"}}}, "damaged"),
        ({"files": {"runs/a.json": {"bytes": 2**60, "sha256": "0" * 64}}}, "MiB are free"),
    ],
)
def test_lists_that_are_none(files: Files, home: Path, tmp_path: Path, changes: Record, said: str) -> None:
    refused(home, packed(files, tmp_path / "bad.tar", changes), said)


def a_link(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")


def a_hard_link(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"", type=tarfile.LNKTYPE, linkname=CONTENTS)


def a_device(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5)


def a_sparse_file(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"", type=tarfile.GNUTYPE_SPARSE)


def a_sparse_file_of_pax(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"0\n", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(2**50)})


def the_same_name_twice(tar: tarfile.TarFile) -> None:
    name = next(iter(tar.getnames()[1:]))
    add(tar, name, b"{}")


def what_is_not_listed(tar: tarfile.TarFile) -> None:
    add(tar, "runs/z.json", b"{}")


def a_long_header(tar: tarfile.TarFile) -> None:
    add(tar, "runs/a.json", b"{}", pax_headers={"comment": "x" * 2**20})


def headers_without_end(tar: tarfile.TarFile) -> None:
    for _ in range(3000):
        add(tar, "x", b"13 comment=x\n", type=tarfile.XHDTYPE)


@pytest.mark.parametrize(
    "damage",
    [
        *(a_link, a_hard_link, a_device, a_sparse_file, a_sparse_file_of_pax),
        *(the_same_name_twice, what_is_not_listed, a_long_header, headers_without_end),
    ],
)
def test_what_a_plain_archive_does_not_have(
    files: Files, home: Path, tmp_path: Path, damage: Callable[[tarfile.TarFile], None]
) -> None:
    archive = packed(files, tmp_path / "bad.tar")
    with tarfile.open(archive, "a") as tar:
        damage(tar)
    refused(home, archive, "not as its list says|no whole archive")


def long_comment(tar: tarfile.TarFile) -> None:
    add(tar, "a", b"{}", pax_headers={"comment": "x" * 2**17})


def headers_after_headers(tar: tarfile.TarFile) -> None:
    headers_without_end(tar)
    add(tar, "a", b"{}")


def plain(tar: tarfile.TarFile) -> None:
    add(tar, "a", b"{}")


@pytest.mark.parametrize(
    ("made", "flipped", "said"),
    [
        (long_comment, None, "too long"),
        (headers_after_headers, None, "not as its list says"),
        (plain, 140, "a header is damaged"),  # a bit of its time, which nobody reads
        (plain, 257, "no tar file of the POSIX format"),
    ],
)
def test_headers_that_are_not_read(
    tmp_path: Path, made: Callable[[tarfile.TarFile], None], flipped: int | None, said: str
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        made(tar)
    content = bytearray((tmp_path / "a.tar").read_bytes())
    if flipped is not None:
        content[flipped] ^= 1
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(NotPlainError, match=said):
        list(members(tmp_path / "a.tar"))


def test_compressed_archives_are_refused_unread(files: Files, home: Path, tmp_path: Path) -> None:
    """A thousandth of what it would unpack to; nothing of it is unpacked."""
    good = packed(files, tmp_path / "good.tar").read_bytes()
    for name, compress in {"gzip": gzip.compress}.items():
        bomb = tmp_path / "bomb.tar"
        bomb.write_bytes(compress(good + bytes(2**24)))
        refused(home, bomb, f"compressed with {name}")


def test_nothing_follows_after_the_end(files: Files, home: Path, tmp_path: Path) -> None:
    archive = packed(files, tmp_path / "bad.tar")
    archive.write_bytes(archive.read_bytes() + b"\0" * 2**21 + b"x")
    refused(home, archive, "something follows after its end")


def test_flipped_bits_and_cut_ends(files: Files, somebodys: Path, home: Path, tmp_path: Path) -> None:
    good = packed(files, tmp_path / "good.tar").read_bytes()
    end, before = len(good.rstrip(b"\0")), state_of(home)
    import_archive(home, tmp_path / "good.tar")
    imported, told = state_of(home), 0
    for place in range(0, end, end // 40):
        bad = tmp_path / "bad.tar"
        for content in (good[:place], good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]):
            bad.write_bytes(content)
            shutil.rmtree(home)
            shutil.copytree(somebodys, home)
            try:
                import_archive(home, bad)
            except InputError:
                assert state_of(home) == before
                told += 1
            else:  # a bit of what nobody reads: times, owners, padding
                assert content[place:]
                assert state_of(home) == imported
    assert told >= 60


def test_an_adapter_asks_no_hub_for_its_base(
    files: Files, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its base is the one that its run names, and no folder of this machine either."""

    def asked(*_: Any, **__: Any) -> Path:
        raise AssertionError("a model was looked for")

    monkeypatch.setattr(loading, "locate", asked)
    monkeypatch.setattr(loading, "resolve_model", asked)
    [name] = [name for name in files if name.startswith("runs/")]
    run = json.loads(files[name])
    [made] = run["checkpoints"]
    beginning = f"artifacts/checkpoint/{made['key']}"
    parts = {
        "adapter_config.json": json.dumps(
            {"base_model_name_or_path": "somebody/tracks-who-imports"}
        ).encode(),
        "adapter_model.safetensors": b"weights",
    }
    parts_digest = hashlib.sha256(run["base_fingerprint"].encode())
    for part, content in sorted(parts.items()):
        parts_digest.update(part.encode() + b"\0" + hashlib.sha256(content).digest())
    manifest = json.loads(files[f"{beginning}/manifest.json"])
    manifest["files"] |= {
        f"model/{part}": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for part, content in parts.items()
    }
    adapter = {
        **files,
        **{f"{beginning}/model/{part}": content for part, content in parts.items()},
        f"{beginning}/manifest.json": json.dumps(seal(manifest)).encode(),
    }
    refused(home, packed(adapter, tmp_path / "bad.tar"), "has the fingerprint")
    made["fingerprint"] = run["evaluations"][1]["fingerprint"] = parts_digest.hexdigest()
    adapter[name] = json.dumps(run).encode()
    assert import_archive(home, packed(adapter, tmp_path / "good.tar")).runs == [run["id"]]


def test_what_fails_on_its_way_in_is_taken_back(
    files: Files, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genius_bench.sharing.importing.write_cards", fail)
    before = {name: content for name, content in state_of(home).items() if content is not None}
    with pytest.raises(InputError, match="No space left"):
        import_archive(home, packed(files, tmp_path / "good.tar"))
    after = {name: content for name, content in state_of(home).items() if content is not None}
    assert {name for name in after.keys() ^ before.keys() if not name.startswith("locks/")} == set()


def test_what_others_made_meanwhile_stays(
    files: Files, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process makes one of the artifacts after it was looked for, and adds to the run, before it all fails."""
    move_in, other = importing._move_in, Evaluation(model="m", fingerprint="f", settings={}, scores={})

    def late(store: Store, artifacts: list[Artifact], runs: list[Run]) -> int:
        shutil.copytree(artifacts[0].path, store.directory(artifacts[0].kind, artifacts[0].key))
        return move_in(store, artifacts, runs)

    def fail(home: Path, run: Run) -> None:
        write_run(home, replace(run, evaluations=[other]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importing, "_move_in", late)
    monkeypatch.setattr(importing, "write_cards", fail)
    before = state_of(home)
    with pytest.raises(InputError, match="No space left"):
        import_archive(home, packed(files, tmp_path / "good.tar"))
    more = {name for name, content in state_of(home).items() if name not in before and content is not None}
    [made] = {name.split("/")[2] for name in more if name.startswith("artifacts/")}
    assert f"artifacts/checkpoint/{made}/manifest.json" in more
    [run] = read_runs(home)
    assert other in run.evaluations


def test_cards_are_written_when_all_runs_are_there(
    files: Files, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [name] = [name for name in files if name.startswith("runs/")]
    second = json.dumps(seal(json.loads(files[name]) | {"id": "second"})).encode()
    there: list[int] = []
    monkeypatch.setattr(importing, "write_cards", lambda home, run: there.append(len(read_runs(home))))
    import_archive(home, packed({**files, "runs/second.json": second}, tmp_path / "good.tar"))
    assert there == [2, 2]


def test_nobody_else_makes_what_is_moved_in(
    files: Files, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, moved = Path.rename, []

    def watched(source: Path, target: Path) -> Path:
        if source.is_dir():
            moved.append(target.name)
            with pytest.raises(Timeout):
                FileLock(home / "locks" / f"{target.parent.name}-{target.name}.lock").acquire(timeout=0)
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", watched)
    done = import_archive(home, packed(files, tmp_path / "good.tar"))
    assert len(moved) == done.artifacts > 0


def test_a_folder_that_lost_its_manifest_is_replaced(files: Files, home: Path, tmp_path: Path) -> None:
    lost = next(name for name in files if "/checkpoint/" in name and name.endswith("manifest.json"))
    (home / lost).parent.mkdir(parents=True)
    (home / lost).with_name("half").write_text("")
    import_archive(home, packed(files, tmp_path / "good.tar"))
    assert (home / lost).exists()
    assert not (home / lost).with_name("half").exists()


def test_imports_at_once_do_not_meet(files: Files, home: Path, tmp_path: Path) -> None:
    archive = packed(files, tmp_path / "good.tar")
    line = [sys.executable, "-m", "genius_bench", "import", str(archive), "--home", str(home / "new")]
    done = [
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [one.communicate(timeout=300) for one in done]
    assert [one.returncode for one in done] == [0] * 4, said
    assert sum("were here already" in out for out, _ in said) == 3
    assert len(read_runs(home / "new")) == 1
