"""Rows in numbered Parquet files, each whole or absent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.errors import InputError, first_line
from genius_bench.storage import publish_file

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_A_TIME = 256
"""Decoded at once while rows are read: a shard of long rows must not fill the memory."""
COUNT = "count_"
"""Begins the name of a counter among a shard's metadata."""
REMEDY = "remove it, then run again what made it"


def shards_of(folder: Path) -> list[Path]:
    """In the order of their numbers."""
    numbered = (file for file in folder.glob("*.parquet") if file.stem.isascii() and file.stem.isdigit())
    return sorted(numbered, key=lambda shard: int(shard.stem))


def write_shard(shard: Path, rows: Sequence[dict[str, Any]], counts: Mapping[str, float]) -> None:
    """Durably; `counts` (tokens sampled, …) stand among its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(dict.fromkeys(name for row in rows for name in row))  # pyarrow asks the first row only
    table = pa.table({name: [row.get(name) for row in rows] for name in columns})
    if counts:
        table = table.replace_schema_metadata({COUNT + name: str(value) for name, value in counts.items()})
    publish_file(shard, lambda file: pq.write_table(table, file))


def read_shards(
    shards: Iterable[Path], columns: Sequence[str] = (), remedy: str = REMEDY
) -> Iterator[dict[str, Any]]:
    """Their rows; of each only `columns`, when some are named. Raises `InputError` that names a damaged shard."""
    import pyarrow.parquet as pq

    for shard in shards:
        with _naming(shard, remedy), pq.ParquetFile(shard) as table:
            for batch in table.iter_batches(ROWS_AT_A_TIME, columns=list(columns) or None):
                yield from batch.to_pylist()


def read_table(shards: Iterable[Path], columns: Sequence[str], remedy: str = REMEDY) -> "pa.Table":
    """These columns of all rows at once, as far as there are such. Raises `InputError` that names a damaged shard."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for shard in shards:
        with _naming(shard, remedy), pq.ParquetFile(shard) as file:
            tables.append(file.read(columns=list(columns), use_threads=False))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def rows_in(shard: Path, remedy: str = REMEDY) -> int:
    """How many rows there are. Raises `InputError` when it is damaged."""
    import pyarrow.parquet as pq

    with _naming(shard, remedy):
        count: int = pq.read_metadata(shard).num_rows
    return count


def counts_in(shard: Path) -> dict[str, float]:
    """The counts that it was written with. Raises `InputError` when it is damaged."""
    import pyarrow.parquet as pq

    with _naming(shard, REMEDY):
        metadata = pq.read_schema(shard).metadata or {}
    packed = {name.decode(): value for name, value in metadata.items() if name.startswith(COUNT.encode())}
    return {name.removeprefix(COUNT): float(value) for name, value in packed.items()}


@contextmanager
def _naming(shard: Path, remedy: str) -> Iterator[None]:
    """Whatever a damaged shard makes pyarrow raise becomes a line that names it."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise InputError(f"{shard} is damaged ({first_line(error)}): {remedy}") from error
