"""The memory of the house: every stage's result in a directory whose name is the hash of what determines it.

    <home>/artifacts/<kind>/<key>/            whole, never changed again
        manifest.json                         what determined it, what it cost, what it ran on, the hash of every file
        rows/00000.parquet …                  rows, for stages that make rows
    <home>/artifacts/<kind>/<key>.partial/    being made; what is in it survives a kill

A shard appears under its name only when it is whole and on disk (temporary name, fsync, rename), so a stage that is
killed at any moment continues with the rows it does not have yet.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from genius_bench.environment import describe_environment, peak_memory_bytes
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.integrity import Listed, digest_of, list_files, once, seal, unsealed, what_is_wrong
from genius_bench.shards import counts_in, read_shards, read_table, rows_in, shards_of, write_shard
from genius_bench.storage import STORAGE_TROUBLE, locked, move, publish_file, read_json, storage_error

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
COUNTERS = "counters.json"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What determines an artifact's content: two equal identities have equal content.

    `inputs` maps a role ("policy", "corpus") to the key or content fingerprint of what was read. Raise `version`
    when a stage's code changes what it produces.
    """

    kind: str
    version: int
    parameters: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return digest_of([self.kind, self.version, self.parameters, self.inputs])


@dataclass(frozen=True)
class Artifact:
    """An artifact on disk. `reused` tells whether this process found it or made it.

    What is read through it is held against the hashes in its manifest; artifacts that were made before manifests held
    any are read as they are. Whatever is damaged or gone raises `InputError` that names it.
    """

    kind: str
    key: str
    path: Path
    reused: bool = True

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Raises `InputError` where it is not the manifest of this artifact."""
        path = self.path / MANIFEST
        if not path.exists():
            raise InputError(f"{self.kind} {self.key[:12]}: no {path}: run again what made it")
        return once(path, f"{self.kind} {self.key}", self._read_manifest)

    def _read_manifest(self) -> dict[str, Any]:
        path = self.path / MANIFEST
        manifest = read_json(path)
        if not _is_of(manifest, self.kind, self.key):
            raise InputError(
                f"{path}: the name of this {self.kind} is the hash of other settings: {self._remedy}"
            )
        return unsealed(manifest, path, self._remedy, mark="files")

    def file(self, name: str) -> Path:
        """Where a file of the artifact lies, now that its content was found to be what was written."""
        path = self.path / name
        if (listed := self._listed) is not None and (wrong := what_is_wrong(path, listed.get(name))):
            raise InputError(f"{path} {wrong}: {self._remedy}")
        return path

    def has(self, name: str) -> bool:
        """Whether it was made with a file of this name."""
        return (self.path / name).exists() if self._listed is None else name in self._listed

    def json(self, name: str) -> Any:
        """What a JSON file of the artifact holds."""
        path = self.file(name)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read ({error}): {self._remedy}") from error

    def shards(self) -> list[Path]:
        """The files of its rows in their order, all of them checked."""
        return list(self._shards())

    def _shards(self) -> Iterator[Path]:
        """Each checked when it is its turn: whoever reads a part of them need not wait for all."""
        there = [f"rows/{shard.name}" for shard in shards_of(self.path / "rows")]
        lost = [name for name in self._listed or () if name.startswith("rows/") and name not in there]
        yield from (self.file(name) for name in [*lost, *there])

    def rows(self, *columns: str) -> Iterator[dict[str, Any]]:
        """All rows in the order in which they were written; of each only `columns`, when some are named."""
        yield from read_shards(self._shards(), columns, self._remedy)

    def table(self, *columns: str) -> "pa.Table":
        """These columns of all rows, as far as there are such: what is counted needs no rows in Python."""
        return read_table(self._shards(), columns, self._remedy)

    def check(self, *, contents: bool) -> None:
        """Holds all files against the manifest: that they are there in their size, and with `contents` their hashes.

        Of an old artifact without hashes, that its rows can be read.
        """
        if self._listed is None:
            for shard in shards_of(self.path / "rows"):
                rows_in(shard, self._remedy)
        for name, listed in (self._listed or {}).items():
            if wrong := what_is_wrong(self.path / name, listed, contents=contents):
                raise InputError(f"{self.path / name} {wrong}: {self._remedy}")

    @property
    def _listed(self) -> Listed | None:
        files: Listed | None = self.manifest.get("files")
        return files

    @property
    def _remedy(self) -> str:
        return f"remove {self.path}, then run again what made it"


def partial_of(directory: Path) -> Path:
    """Where an artifact is while it is being made."""
    return directory.with_name(directory.name + ".partial")


class Build:
    """An artifact in the making: handed to the function that produces it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = path / "rows"
        self._counters = path / COUNTERS
        self._started = time.monotonic()
        path.mkdir(parents=True, exist_ok=True)
        for leftover in path.glob("**/*.tmp"):
            leftover.unlink()
        self._next_shard = max((int(shard.stem) + 1 for shard in shards_of(self._rows)), default=0)

    def rows(self, *columns: str) -> Iterator[dict[str, Any]]:
        """The rows that an earlier, interrupted attempt left here (and those written since); see `Artifact.rows`."""
        yield from read_shards(shards_of(self._rows), columns)

    def row_count(self) -> int:
        """How many rows there are here."""
        return sum(map(rows_in, shards_of(self._rows)))

    def write_shard(self, rows: Sequence[dict[str, Any]], **counts: float) -> None:
        """Adds rows durably. `counts` (tokens sampled, …) are summed over shards into the manifest."""
        if not rows:
            return
        self._rows.mkdir(exist_ok=True)
        write_shard(self._rows / f"{self._next_shard:05d}.parquet", rows, counts)
        self._next_shard += 1

    def write_json(self, name: str, value: Any) -> None:
        """Writes a small file of the artifact durably."""
        text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
        publish_file(self.path / name, lambda file: file.write(text.encode()))

    def count(self, **counts: float) -> None:
        """Adds to the manifest's counters (for stages that write no shards)."""
        totals = self._read_counters()
        for name, value in counts.items():
            totals[name] = totals.get(name, 0) + value
        self.write_json(self._counters.name, totals)

    def record(self, **counts: float) -> None:
        """Sets counters: for numbers that belong to the result, however many attempts it took."""
        self.write_json(self._counters.name, self._read_counters() | counts)

    def totals(self) -> dict[str, float]:
        """Counters over all attempts: those given to `count` and those that came with shards."""
        totals = self._read_counters()
        for shard in shards_of(self._rows):
            for name, value in counts_in(shard).items():
                totals[name] = totals.get(name, 0) + value
        return totals

    def account(self, shared_by: int = 1) -> None:
        """Counts an attempt and its time, which so many builds shared."""
        self.count(wall_seconds=round((time.monotonic() - self._started) / shared_by, 3), attempts=1)

    def _read_counters(self) -> dict[str, float]:
        return read_json(self._counters) if self._counters.exists() else {}


class Store:
    """All artifacts under one home directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        try:
            (home / "locks").mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=home / "locks").close()
        except OSError as error:
            if not (
                home / "artifacts"
            ).is_dir():  # else it can be read, and whoever makes something there is told
                raise storage_error(home, error) from error

    def directory(self, kind: str, key: str) -> Path:
        return self.home / "artifacts" / kind / key

    def named(self, kind: str, key: str) -> Artifact:
        """An artifact that something names: where it is gone or damaged, reading it says so."""
        return Artifact(kind, key, self.directory(kind, key))

    def find(self, kind: str, key: str) -> Artifact | None:
        artifact = self.named(kind, key)
        return artifact if (artifact.path / MANIFEST).exists() else None

    def make(self, identity: Identity, produce: Callable[[Build], None]) -> Artifact:
        """The artifact of `identity`: found, or produced now (continuing what an earlier attempt left).

        Only one process produces a key at a time; the others wait and read. When `produce` raises, what it has
        written stays and the next attempt continues from there. Raises `InputError` where what is found is not whole.
        """
        [made] = self.make_together([identity], lambda builds: produce(builds[identity.key]))
        return made

    def make_together(
        self, identities: Sequence[Identity], produce: Callable[[dict[str, Build]], None]
    ) -> list[Artifact]:
        """As `make`, of several that are best made at once: `produce` is given the missing ones by their keys."""
        found = {one.key: self.find(one.kind, one.key) for one in identities}
        missing = {one.key: one for one in identities if found[one.key] is None}
        try:
            made = self._make(missing, produce) if missing else {}
        except OSError as error:
            if error.errno in STORAGE_TROUBLE:
                raise storage_error(self.home, error) from error
            raise
        whole = {key: artifact for key, artifact in found.items() if artifact} | made
        for artifact in whole.values():
            if artifact.reused:
                artifact.check(contents=False)
        return [whole[one.key] for one in identities]

    def making(self, kind: str, key: str) -> AbstractContextManager[None]:
        """Only one process at a time puts the artifact of a key in its place, or takes it away."""
        return locked(self.home, f"{kind}-{key}", f"another process is making this {kind}; waiting for it")

    def _make(
        self, missing: dict[str, Identity], produce: Callable[[dict[str, Build]], None]
    ) -> dict[str, Artifact]:
        with ExitStack() as held:
            for key in sorted(missing):  # whoever asks, in one order: nobody waits for one who waits for them
                held.enter_context(self.making(missing[key].kind, key))
            found = {key: self.find(one.kind, key) for key, one in missing.items()}
            left = {key: one for key, one in missing.items() if found[key] is None}
            made = self._produce(left, produce) if left else {}
            return {key: artifact for key, artifact in found.items() if artifact} | made

    def _produce(
        self, identities: dict[str, Identity], produce: Callable[[dict[str, Build]], None]
    ) -> dict[str, Artifact]:
        builds = {key: Build(partial_of(self.directory(one.kind, key))) for key, one in identities.items()}
        try:
            produce(builds)
        finally:
            for build in builds.values():
                _ignoring_full_disk(partial(build.account, shared_by=len(builds)))
        return {key: self._finish(identities[key], build) for key, build in builds.items()}

    def _finish(self, identity: Identity, build: Build) -> Artifact:
        final = self.directory(identity.kind, identity.key)
        manifest = {
            "kind": identity.kind,
            "key": identity.key,
            "stage_version": identity.version,
            "parameters": identity.parameters,
            "inputs": identity.inputs,
            "counters": build.totals(),
            "peak_memory_bytes": peak_memory_bytes(),
            "environment": describe_environment(),
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        files = list_files(build.path, but=(MANIFEST, COUNTERS))
        build.write_json(MANIFEST, seal(manifest | {"files": files}))
        (build.path / COUNTERS).unlink(missing_ok=True)
        if final.exists():  # what somebody took the manifest from is no artifact
            shutil.rmtree(final)
        move(build.path, final)
        return Artifact(identity.kind, identity.key, final, reused=False)

    def all(self, kind: str) -> list[Artifact]:
        """Every whole artifact of a kind."""
        parents = sorted((self.home / "artifacts" / kind).glob(f"*/{MANIFEST}"))
        return [Artifact(kind, path.parent.name, path.parent) for path in parents if path.parent.suffix == ""]


def _is_of(manifest: dict[str, Any], kind: str, key: str) -> bool:
    """Whether a manifest says what determined the artifact of this key."""
    try:
        said = [manifest[name] for name in ("kind", "stage_version", "parameters", "inputs")]
        return manifest["kind"] == kind and digest_of(said) == key
    except (KeyError, ValueError, RecursionError):
        return False


def _ignoring_full_disk(action: Callable[[], None]) -> None:
    """Accounting must not hide the error that ended a stage."""
    try:
        action()
    except (OSError, GeniusBenchError):
        return
