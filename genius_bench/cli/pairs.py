"""`genius-bench pairs`: the rows that a run was trained on, for other libraries and for eyes."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError
from genius_bench.printing import counted, hand_over, note
from genius_bench.storage import publish_file

FORMATS = ("jsonl", "parquet", "trl")
SHOWN = 3


@app.command()
def pairs(
    home: Home,
    run: Annotated[str, typer.Argument(help="A run's id or its beginning; the newest when not given.")] = "",
    format: Annotated[
        str,
        typer.Option(
            help="jsonl or parquet: all there is; trl: the text columns that TRL trains on, as jsonl."
        ),
    ] = "jsonl",
    output: Annotated[
        Path | None, typer.Option(help="A file instead of standard output.", show_default=False)
    ] = None,
    iteration: Annotated[
        int | None, typer.Option(min=1, help="Of one round alone.", show_default="all of them")
    ] = None,
) -> None:
    """Write the pairs (or demonstrations) that a run was trained on: texts, token ids, advantages, references.

    `datasets` loads all three formats; `train --method pairs --corpus FILE` trains on them again.
    """
    from genius_bench.reporting.training_rows import for_trl, readable_rows, trained_on

    if format not in FORMATS:
        raise InputError(f"--format {format}: choose one of {', '.join(FORMATS)}")
    if format == "parquet" and output is None:
        raise InputError("--format parquet needs a file: --output pairs.parquet")
    found, sets = trained_on(home, run)
    sets = [one for one in sets if iteration in (None, one.iteration)]
    if not sets:
        raise InputError(f"run '{found.id}' has no iteration {iteration}: it has {len(found.checkpoints)}")
    lost: list[str] = []
    rows = for_trl(sets, lost.append) if format == "trl" else readable_rows(sets)
    written = _write(rows, output, format == "parquet")
    if lost:
        note(
            f"{counted(len(lost), 'row')} left out, whose tokens their text does not lead back to: "
            f"{', '.join(lost[:SHOWN])}{', …' if len(lost) > SHOWN else ''}"
        )
    note(f"{found.id}: {counted(written, 'row')}{f' written to {output}' if output else ''}")


def _write(rows: Iterable[dict[str, Any]], output: Path | None, as_parquet: bool) -> int:
    written = 0

    def lines() -> Iterator[str]:
        nonlocal written
        for row in rows:
            written += 1
            yield json.dumps(row, ensure_ascii=False) + "\n"

    if output is None:
        for line in lines():
            hand_over(line)
    elif as_parquet:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist(list(rows))
        written = table.num_rows
        publish_file(output, lambda file: pq.write_table(table, file), "--output")
    else:
        publish_file(output, lambda file: file.writelines(line.encode() for line in lines()), "--output")
    return written
