"""`genius-bench export` and `genius-bench import`: runs, or a whole board, as one file from one home to another."""

from pathlib import Path
from typing import Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.printing import counted, note, say


@app.command("export")
def export_runs(
    home: Home,
    runs: Annotated[
        list[str] | None, typer.Argument(help="Beginnings of run ids.", show_default="all runs")
    ] = None,
    output: Annotated[Path, typer.Option(help="The archive to write.")] = Path("genius-bench.tar"),
    no_weights: Annotated[
        bool,
        typer.Option("--no-weights", help="Leave the checkpoints out: tables and answers need none."),
    ] = False,
) -> None:
    """Write runs with everything they were made from into one archive, for `genius-bench import` elsewhere."""
    from genius_bench.sharing.archive import export

    done = export(home, runs or [], output, weights=not no_weights)
    for gone in done.gone:
        note(f"not in this home any more, left out: {gone}")
    size = f"{done.bytes / 2**20:.1f} MiB"
    say(
        f"written: {output} ({counted(len(done.runs), 'run')}, {counted(done.artifacts, 'artifact')}, {size})"
    )


@app.command("import")
def import_runs(
    home: Home,
    archive: Annotated[Path, typer.Argument(help="A file that `genius-bench export` wrote.")],
) -> None:
    """Take the runs of an archive into this home, once every file and fingerprint in it has been checked."""
    from genius_bench.sharing.importing import import_archive

    done = import_archive(home, archive)
    known = f", {done.known} runs and artifacts were here already" if done.known else ""
    say(f"imported: {counted(len(done.runs), 'run')}, {counted(done.artifacts, 'artifact')}{known}")
