"""The store: keys that depend on content alone, and rows that survive kills, full disks and second processes."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.integrity import digest_of
from genius_bench.runs import Run, read_runs, write_run

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PARAMETERS = st.dictionaries(st.text(), JSON, max_size=5)

ROWS = 200
WORKER = f"""
import sys, time
from pathlib import Path
from genius_bench.artifacts import Identity, Store

def produce(build):
    print("producing", flush=True)
    done = {{row["id"] for row in build.rows()}}
    missing = [number for number in range({ROWS}) if number not in done]
    for start in range(0, len(missing), 5):
        time.sleep(float(sys.argv[2]))
        build.write_shard([{{"id": n, "text": "x" * 50}} for n in missing[start:start + 5]], tokens=5)

identity = Identity(kind="rows", version=1, parameters={{"count": {ROWS}}})
artifact = Store(Path(sys.argv[1])).make(identity, produce)
print("reused" if artifact.reused else "made", flush=True)
"""


def identity_of(**parameters: Any) -> Identity:
    return Identity(kind="rows", version=1, parameters=parameters)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def start_worker(home: Path, pause: float = 0.01) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), str(pause)], stdout=subprocess.PIPE, text=True
    )


def the_artifact(home: Path) -> Artifact:
    (artifact,) = Store(home).all("rows")
    return artifact


def ids_of(artifact: Artifact) -> list[int]:
    return [row["id"] for row in artifact.rows()]


@given(PARAMETERS, st.dictionaries(st.text(), st.text(), max_size=3))
def test_the_key_depends_on_content_not_on_the_order_of_keys(
    parameters: dict[str, Any], inputs: dict[str, str]
) -> None:
    one = Identity(kind="rows", version=1, parameters=parameters, inputs=inputs)
    other = Identity(kind="rows", version=1, parameters=reordered(parameters), inputs=reordered(inputs))
    assert one.key == other.key


@given(JSON, JSON)
def test_different_content_has_different_keys(one: Any, other: Any) -> None:
    same = repr(reordered(reordered(one))) == repr(reordered(reordered(other)))
    if not same and one != other:
        assert digest_of(one) != digest_of(other)


@given(PARAMETERS)
def test_any_part_changes_the_key(parameters: dict[str, Any]) -> None:
    identities = [
        Identity(kind="rows", version=1, parameters=parameters),
        Identity(kind="other", version=1, parameters=parameters),
        Identity(kind="rows", version=2, parameters=parameters),
        Identity(kind="rows", version=1, parameters=parameters, inputs={"policy": "abc"}),
        Identity(kind="rows", version=1, parameters=parameters, inputs={"corpus": "abc"}),
        Identity(kind="rows", version=1, parameters=parameters | {"one more\x00": 1}),
    ]
    assert len({identity.key for identity in identities}) == len(identities)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1), min_size=1)))
def test_rows_come_back_as_written_whatever_columns_each_has(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[dict[str, int]]]
) -> None:
    build = Build(tmp_path_factory.mktemp("build"))
    for shard in shards:
        build.write_shard(shard)
    read = [{key: value for key, value in row.items() if value is not None} for row in build.rows()]
    assert read == [row for shard in shards for row in shard]


def test_a_shard_that_was_removed_is_not_replaced_by_the_next(tmp_path: Path) -> None:
    """The remedy for a damaged shard, which must not cost another one."""
    build = Build(tmp_path)
    for number in range(3):
        build.write_shard([{"id": number}])
    (tmp_path / "rows" / "00001.parquet").unlink()
    again = Build(tmp_path)
    again.write_shard([{"id": 1}])
    assert [row["id"] for row in again.rows()] == [0, 2, 1]
    assert again.row_count() == 3


def test_rows_stay_in_order_beyond_the_width_of_a_number(tmp_path: Path) -> None:
    build = Build(tmp_path)
    build.write_shard([{"id": 0}])
    (tmp_path / "rows" / "00000.parquet").rename(tmp_path / "rows" / "99999.parquet")
    again = Build(tmp_path)
    again.write_shard([{"id": 1}])
    again.write_shard([{"id": 2}])
    assert [row["id"] for row in Build(tmp_path).rows()] == [0, 1, 2]


def test_only_named_columns_are_read(tmp_path: Path) -> None:
    build = Build(tmp_path)
    build.write_shard([{"id": 1, "text": "a", "notes": [1]}, {"id": 2, "text": "b", "notes": []}])
    assert list(build.rows("id", "notes")) == [{"id": 1, "notes": [1]}, {"id": 2, "notes": []}]


def test_an_artifact_is_made_once_and_its_manifest_says_how(tmp_path: Path) -> None:
    def produce(build: Build) -> None:
        build.write_shard([{"id": 1}], tokens=3)
        build.write_shard([{"id": 2}], tokens=4)
        build.count(steps=2)

    def fail(build: Build) -> None:
        raise AssertionError("made twice")

    made = Store(tmp_path).make(identity_of(a=1), produce)
    found = Store(tmp_path).make(identity_of(a=1), fail)
    assert (made.reused, found.reused, ids_of(found)) == (False, True, [1, 2])
    manifest = found.manifest
    assert (manifest["counters"]["tokens"], manifest["counters"]["steps"]) == (7, 2)
    assert (manifest["parameters"], manifest["key"]) == ({"a": 1}, identity_of(a=1).key)


def test_a_failed_attempt_leaves_its_rows_to_the_next(tmp_path: Path) -> None:
    def fail(build: Build) -> None:
        build.write_shard([{"id": 1}], tokens=1)
        (build.path / "rows" / "00001.parquet.tmp").write_bytes(b"half a shard")
        raise GeniusBenchError("the engine died")

    def finish(build: Build) -> None:
        assert [row["id"] for row in build.rows()] == [1]
        build.write_shard([{"id": 2}], tokens=1)

    store = Store(tmp_path)
    with pytest.raises(GeniusBenchError, match="the engine died"):
        store.make(identity_of(), fail)
    assert store.find("rows", identity_of().key) is None
    assert store.all("rows") == []
    artifact = store.make(identity_of(), finish)
    assert ids_of(artifact) == [1, 2]
    assert artifact.manifest["counters"]["attempts"] == 2
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*.partial"))


def test_an_error_of_the_stage_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    def fail(build: Build) -> None:
        raise ConnectionError("the judge's server is gone")

    with pytest.raises(ConnectionError, match="server is gone"):
        Store(tmp_path).make(identity_of(), fail)


def test_killed_at_random_moments_no_row_is_lost_or_doubled(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(4):
        worker = start_worker(tmp_path)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "producing\n"
        time.sleep(chance.uniform(0.0, 0.3))
        worker.kill()
        worker.wait()
    partial = list(tmp_path.rglob("*.partial"))
    assert len(partial) == 1, "the kills came too late to interrupt anything"
    said, _ = start_worker(tmp_path).communicate(timeout=120)
    assert "made" in said
    artifact = the_artifact(tmp_path)
    assert sorted(ids_of(artifact)) == list(range(ROWS))
    assert artifact.manifest["counters"]["tokens"] == 5 * len(artifact.shards())


def test_of_two_processes_one_makes_and_the_other_waits_and_reads(tmp_path: Path) -> None:
    first = start_worker(tmp_path, pause=0.05)
    assert first.stdout is not None
    assert first.stdout.readline() == "producing\n"
    second = start_worker(tmp_path)
    said = [worker.communicate(timeout=120)[0].split() for worker in (first, second)]
    assert said[0] == ["made"]
    assert said[1] == ["reused"]
    assert sorted(ids_of(the_artifact(tmp_path))) == list(range(ROWS))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_the_resumed_stage_loses_nothing(small_disk: Path) -> None:
    def produce(build: Build) -> None:
        done = {row["id"] for row in build.rows()}
        for number in range(40):
            if number not in done:
                build.write_shard([{"id": number, "noise": os.urandom(50_000)}])

    with pytest.raises(InputError) as caught:
        Store(small_disk).make(identity_of(), produce)
    message = str(caught.value)
    assert "No space left on device" in message
    assert "\n" not in message
    written = len(list(small_disk.rglob("*.parquet")))
    assert 0 < written < 40
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert ids_of(Store(small_disk).make(identity_of(), produce)) == list(range(40))


def test_a_home_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another --home"):
        Store(tmp_path / "file" / "home")


def test_a_read_only_home_is_the_users_to_mend(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(InputError, match="Read-only file system"):
        Store(small_disk / "home")


def test_a_read_only_home_can_be_read_and_says_that_nothing_is_made_there(small_disk: Path) -> None:
    home = small_disk / "home"
    Store(home).make(identity_of(), lambda build: build.write_shard([{"id": 1}]))
    write_run(home, Run(id="one"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert ids_of(the_artifact(home)) == [1]
    assert [run.id for run in read_runs(home)] == ["one"]
    assert Store(home).make(identity_of(), lambda build: None).reused
    with pytest.raises(InputError, match="Read-only file system"):
        Store(home).make(identity_of(a=2), lambda build: None)
    with pytest.raises(InputError, match="Read-only file system"):
        write_run(home, Run(id="two"))
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
