"""The memory of the house: every stage's result in a directory whose name is the hash of what determines it.

    <home>/artifacts/<kind>/<key>/            whole, never changed again
        manifest.json                         what determined it, what it cost, what it ran on
        rows/00000.parquet …                  rows, for stages that make rows
    <home>/artifacts/<kind>/<key>.partial/    being made; what is in it survives a kill

A shard appears under its name only when it is whole and on disk (temporary name, fsync, rename), so a stage that is
killed at any moment continues with the rows it does not have yet.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from genius_bench.environment import describe_environment, peak_memory_bytes
from genius_bench.errors import GeniusBenchError, InputError

STORAGE_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What an `OSError` raised by a stage must be for the home to be blamed: stages also open models and sockets."""
ROWS_AT_A_TIME = 256
"""Decoded at once while rows are read: a shard of long rows must not fill the memory."""

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


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
    """A whole artifact on disk. `reused` tells whether this process found it or made it."""

    kind: str
    key: str
    path: Path
    reused: bool = True

    @property
    def manifest(self) -> dict[str, Any]:
        return read_json(self.path / "manifest.json")

    def shards(self) -> list[Path]:
        return _shards_of(self.path / "rows")

    def rows(self, *columns: str) -> Iterator[dict[str, Any]]:
        """All rows in the order in which they were written; of each only `columns`, when some are named."""
        yield from _read_shards(self.shards(), columns)


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file of the store. Raises `InputError` that names the file when it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): remove it, then run again what made it"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: remove it, then run again what made it")
    return value


def publish_file(final: Path, write: Callable[[Any], object]) -> None:
    """A file that appears under its name whole and on disk, or not at all."""
    temporary = final.with_name(final.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(final)
        fsync(final.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_error(final, error) from error


class Build:
    """An artifact in the making: handed to the function that produces it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = path / "rows"
        self._counters = path / "counters.json"
        self._started = time.monotonic()
        path.mkdir(parents=True, exist_ok=True)
        for leftover in path.glob("**/*.tmp"):
            leftover.unlink()
        self._next_shard = max((_number(shard) + 1 for shard in self._rows.glob("*.parquet")), default=0)

    def rows(self, *columns: str) -> Iterator[dict[str, Any]]:
        """The rows that an earlier, interrupted attempt left here (and those written since); see `Artifact.rows`."""
        yield from _read_shards(_shards_of(self._rows), columns)

    def row_count(self) -> int:
        """How many rows there are here."""
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(shard).num_rows for shard in self._rows.glob("*.parquet"))

    def write_shard(self, rows: Sequence[dict[str, Any]], **counts: float) -> None:
        """Adds rows durably. `counts` (tokens sampled, …) are summed over shards into the manifest."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not rows:
            return
        self._rows.mkdir(exist_ok=True)
        columns = list(dict.fromkeys(name for row in rows for name in row))  # pyarrow asks the first row only
        table = pa.table({name: [row.get(name) for row in rows] for name in columns})
        if counts:
            packed = {f"count_{name}": str(value) for name, value in counts.items()}
            table = table.replace_schema_metadata(packed)
        shard = self._rows / f"{self._next_shard:05d}.parquet"
        publish_file(shard, lambda file: pq.write_table(table, file))
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
        import pyarrow.parquet as pq

        totals = self._read_counters()
        for shard in self._rows.glob("*.parquet"):
            for name, value in (pq.read_schema(shard).metadata or {}).items():
                if name.startswith(b"count_"):
                    label = name.decode().removeprefix("count_")
                    totals[label] = totals.get(label, 0) + float(value)
        return totals

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def _read_counters(self) -> dict[str, float]:
        return read_json(self._counters) if self._counters.exists() else {}


class Store:
    """All artifacts under one home directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        try:
            (home / "locks").mkdir(parents=True, exist_ok=True)
            probe = home / "locks" / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise storage_error(home, error) from error

    def directory(self, kind: str, key: str) -> Path:
        return self.home / "artifacts" / kind / key

    def find(self, kind: str, key: str) -> Artifact | None:
        path = self.directory(kind, key)
        return Artifact(kind, key, path) if (path / "manifest.json").exists() else None

    def make(self, identity: Identity, produce: Callable[[Build], None]) -> Artifact:
        """The artifact of `identity`: found, or produced now (continuing what an earlier attempt left).

        Only one process produces a key at a time; the others wait and read. When `produce` raises, what it has
        written stays and the next attempt continues from there.
        """
        if found := self.find(identity.kind, identity.key):
            return found
        lock = FileLock(self.home / "locks" / f"{identity.kind}-{identity.key}.lock")
        try:
            self._acquire(lock, identity.kind)
            if found := self.find(identity.kind, identity.key):
                return found
            return self._produce(identity, produce)
        except OSError as error:
            if error.errno in STORAGE_TROUBLE:
                raise storage_error(self.home, error) from error
            raise
        finally:
            lock.release()

    @staticmethod
    def _acquire(lock: FileLock, kind: str) -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"another process is making this {kind}; waiting for it", file=sys.stderr, flush=True)
            lock.acquire()

    def _produce(self, identity: Identity, produce: Callable[[Build], None]) -> Artifact:
        final = self.directory(identity.kind, identity.key)
        build = Build(final.with_name(final.name + ".partial"))
        try:
            produce(build)
        finally:
            _ignoring_full_disk(lambda: build.count(wall_seconds=round(build.elapsed(), 3), attempts=1))
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
        build.write_json("manifest.json", manifest)
        (build.path / "counters.json").unlink(missing_ok=True)
        build.path.rename(final)
        fsync(final.parent)
        return Artifact(identity.kind, identity.key, final, reused=False)

    def all(self, kind: str) -> list[Artifact]:
        """Every whole artifact of a kind."""
        parents = sorted((self.home / "artifacts" / kind).glob("*/manifest.json"))
        return [Artifact(kind, path.parent.name, path.parent) for path in parents if path.parent.suffix == ""]


def _shards_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"), key=_number)


def _number(shard: Path) -> int:
    return int(shard.stem)


def _read_shards(shards: Iterable[Path], columns: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for shard in shards:
        try:
            with pq.ParquetFile(shard) as table:
                for batch in table.iter_batches(ROWS_AT_A_TIME, columns=list(columns) or None):
                    yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise InputError(
                f"{shard} is damaged ({error}): remove it, then run again what made it"
            ) from error


def fsync(path: Path) -> None:
    """A file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ignoring_full_disk(action: Callable[[], None]) -> None:
    """Accounting must not hide the error that ended a stage."""
    try:
        action()
    except (OSError, GeniusBenchError):
        return


def storage_error(path: Path, error: OSError) -> GeniusBenchError:
    free = ""
    existing = next((p for p in [path, *path.parents] if p.exists()), None)
    if existing is not None:
        free = f" ({shutil.disk_usage(existing).free / 2**20:.0f} MiB free)"
    reason = error.strerror or str(error)
    return InputError(
        f"cannot write to {path}: {reason}{free}. Nothing finished is lost: free space or choose another --home, "
        "then run the same command again."
    )
