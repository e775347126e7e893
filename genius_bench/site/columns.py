"""An artifact's rows column by column: what a page needs of thousands of answers is a few columns of them."""

from collections.abc import Sequence
from typing import Any

from genius_bench.artifacts import Artifact
from genius_bench.shards import rows_in

Columns = dict[str, list[Any]]


def columns_of(artifact: Artifact, names: Sequence[str]) -> Columns:
    """Column → its values, of those of `names` that the artifact has. Raises an Arrow error when it is damaged."""
    import pyarrow.parquet as pq

    columns: Columns = {}
    rows = 0
    for shard in artifact.shards():
        with pq.ParquetFile(shard) as file:
            there = [name for name in names if name in file.schema_arrow.names]
            table = file.read(columns=there, use_threads=False)  # shards are small
        for name in there:
            # A column that begins in a later shard is empty before it.
            columns.setdefault(name, [None] * rows).extend(table[name].to_pylist())
        rows += table.num_rows
        for values in columns.values():
            values.extend([None] * (rows - len(values)))
    return columns


def row_count(artifact: Artifact) -> int:
    return sum(map(rows_in, artifact.shards()))
