"""`genius-bench data pull | verify`: a copy of what the hub holds, for machines without a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Corpus, Method, Model, RecipeFile, Set, Suite
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.layers import merge, parse_assignments, read_layer
from genius_bench.printing import new_table, note, open_console, say, words
from genius_bench.recipe import Recipe

if TYPE_CHECKING:
    from genius_bench.mirror import Plan

data = typer.Typer(no_args_is_help=True)
app.add_typer(data, name="data", help="Mirror data sets and models for machines without a network.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the mirror.", show_default=False)]
COLOURS = {"ok": "green", "unexpected": "yellow"}


@data.command()
def pull(
    folder: Folder,
    method: Method = None,
    model: Model = None,
    corpus: Corpus = None,
    suite: Suite = None,
    recipe: RecipeFile = None,
    set_: Set = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be fetched; fetch nothing.")
    ] = False,
) -> None:
    """Fetch every data set and model that `train` with these options would need, and the evaluation after it.

    What is there and whole is not fetched again: an interrupted command continues where it stopped.
    """
    from genius_bench.mirror import plan
    from genius_bench.mirror import pull as fetch
    from genius_bench.offline import is_offline

    wanted = _resolve(method, model, corpus, suite, recipe, set_)
    planned = plan(folder, wanted)
    _print_plan(planned)
    if dry_run:
        return
    if planned.missing and is_offline():
        raise InputError("data pull needs the network, which is switched off (--offline, or the environment)")
    failures = fetch(folder, wanted, planned, note)
    if failures:
        raise GeniusBenchError(
            f"{len(failures)} could not be had: {', '.join(sorted(failures))}; the same command tries them again"
        )
    say(_usage(folder, planned))


@data.command()
def verify(folder: Folder) -> None:
    """Check every file of a mirror, and the items of every task, against what they should be.

    In a folder of data sets that `data pull` did not make, the tasks' items are checked.
    """
    from genius_bench.mirror import verify as check

    findings = check(folder)
    table = new_table(show_header=False)
    for finding in findings:
        mark = words(finding.status, style=COLOURS.get(finding.status, "red"))
        table.add_row(mark, words(finding.what, style="bold", overflow="fold"), words(finding.detail))
    open_console().print(table)
    if wrong := sum(finding.status != "ok" for finding in findings):
        raise GeniusBenchError(
            f"{wrong} of {len(findings)} not as they should be; `genius-bench data pull` fetches again what is damaged"
        )


def _resolve(
    method: str | None,
    model: str | None,
    corpus: str | None,
    suite: str | None,
    recipe: Path | None,
    assignments: list[str] | None,
) -> Recipe:
    from genius_bench.resolution import resolve

    options = {
        "method": method,
        "model": model,
        "corpus": corpus and {"name": corpus},
        "evaluation": suite and {"suite": suite},
    }
    given = {key: value for key, value in options.items() if value}
    return resolve(
        merge(read_layer(recipe) if recipe else {}, parse_assignments(assignments or []), given)
    ).recipe


def _print_plan(planned: "Plan") -> None:
    if not planned.pieces:
        note("nothing to fetch: all of this is on this machine or comes with genius-bench")
        return
    table = new_table()
    for title in ("", "piece", "from", "revision"):
        table.add_column(title, overflow="fold", no_wrap=not title)
    for piece in planned.pieces:
        wanted = piece.wanted
        state = "to fetch" if piece in planned.missing else "there"
        table.add_row(*map(words, (state, wanted.place, wanted.source, (wanted.asked or "newest")[:12])))
    open_console().print(table)


def _usage(folder: Path, planned: "Plan") -> str:
    options = dict.fromkeys(piece.use.format(folder) for piece in planned.pieces)
    return " ".join(["without a network: genius-bench … --offline", *options])
