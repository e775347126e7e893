"""`genius-bench pairs`: the rows that a run was trained on, for other libraries and for eyes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError
from genius_bench.printing import counted, hand_over, note
from genius_bench.runs import Run, chosen_runs
from genius_bench.storage import publish_file

if TYPE_CHECKING:
    import pyarrow as pa

    from genius_bench.reporting.rollout_rows import Drawn
    from genius_bench.reporting.training_rows import TrainedOn

Made = TypeVar("Made", "TrainedOn", "Drawn")
FORMATS = ("jsonl", "parquet", "trl")
AT_A_TIME = 1024
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
    """Write what a run was trained on: pairs or demonstrations with advantages and references, an online run's rollouts
    with rewards and log-probabilities; texts, token ids, and what is right where answers are known.

    `datasets` loads all three formats; `train --method pairs --corpus FILE` trains on pairs and demonstrations again.
    """
    if format not in FORMATS:
        raise InputError(f"--format {format}: choose one of {', '.join(FORMATS)}")
    if format == "parquet" and output is None:
        raise InputError("--format parquet needs a file: --output pairs.parquet")
    found = _trained(home, run, iteration, as_text=format == "trl")
    written = _write(found, output, format == "parquet")
    if found.lost:
        note(
            f"{counted(len(found.lost), 'row')} left out, whose tokens their text does not lead back to: "
            f"{', '.join(found.lost[:SHOWN])}{', …' if len(found.lost) > SHOWN else ''}"
        )
    note(f"{found.run}: {counted(written, 'row')}{f' written to {output}' if output else ''}")


@dataclass(frozen=True)
class _Trained:
    """What goes out."""

    run: str
    rows: Iterable[dict[str, Any]]
    lost: list[str]
    """Ids of rows that do not, known when all have been read."""
    schema: "pa.Schema | None" = None
    """Of the rows, where it is known before they are read."""


def _trained(home: Path, name: str, iteration: int | None, *, as_text: bool) -> _Trained:
    """The rows of the run that is meant, or of its newest one that was trained at all."""
    trained = [one for one in chosen_runs(home, [name] if name else []) if one.checkpoints]
    if trained and trained[-1].is_online:
        return _rollouts(home, trained[-1].id, iteration, as_text=as_text)
    return _pairs(home, name, iteration, as_text=as_text)


def _rollouts(home: Path, name: str, iteration: int | None, *, as_text: bool) -> _Trained:
    from genius_bench.reporting.rollout_rows import drawn_by, readable_rollouts, rollouts_for_trl, schema

    run, sets = drawn_by(home, name)
    sets, lost = _of_iteration(run, sets, iteration), list[str]()
    if as_text:
        return _Trained(run.id, rollouts_for_trl(sets, lost.append), lost)
    return _Trained(run.id, readable_rollouts(sets), lost, schema(sets))


def _pairs(home: Path, name: str, iteration: int | None, *, as_text: bool) -> _Trained:
    from genius_bench.reporting.training_rows import for_trl, readable_rows, trained_on

    run, sets = trained_on(home, name)
    sets, lost = _of_iteration(run, sets, iteration), list[str]()
    return _Trained(run.id, for_trl(sets, lost.append) if as_text else readable_rows(sets), lost)


def _of_iteration(run: Run, sets: list[Made], iteration: int | None) -> list[Made]:
    kept = [one for one in sets if iteration in (None, one.iteration)]
    if not kept:
        raise InputError(f"run '{run.id}' has no iteration {iteration}: it has {len(run.checkpoints)}")
    return kept


def _write(found: _Trained, output: Path | None, as_parquet: bool) -> int:
    written = 0

    def counting() -> Iterator[dict[str, Any]]:
        nonlocal written
        for row in found.rows:
            written += 1
            yield row

    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in counting())
    if output is None:
        for line in lines:
            hand_over(line)
    elif as_parquet:
        publish_file(output, lambda file: _write_parquet(file, counting(), found.schema), "--output")
    else:
        publish_file(output, lambda file: file.writelines(line.encode() for line in lines), "--output")
    return written


def _write_parquet(file: Any, rows: Iterator[dict[str, Any]], schema: "pa.Schema | None") -> None:
    """A few rows at a time where their schema is known, else all at once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    at_a_time = None if schema is None else AT_A_TIME
    table = pa.Table.from_pylist(list(islice(rows, at_a_time)), schema=schema)
    with pq.ParquetWriter(file, table.schema) as writer:
        while table.num_rows:
            writer.write_table(table)
            table = pa.Table.from_pylist(list(islice(rows, at_a_time)), schema=table.schema)
