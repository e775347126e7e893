"""`genius-bench runs`: what a home holds, one run at a time, and how to be rid of it."""

import shutil
from typing import Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json
from genius_bench.errors import InputError
from genius_bench.printing import cell, counted, new_table, open_console, say, say_json
from genius_bench.progress import duration
from genius_bench.reporting.numbers import percent

group = typer.Typer(invoke_without_command=True, no_args_is_help=False, help="List, show or remove runs.")
app.add_typer(group, name="runs")
LONGEST = len("1023.9 MiB")
"""Of a time or a size."""
Names = Annotated[list[str], typer.Argument(help="Ids of runs or their beginnings.")]


@group.callback()
def runs(context: typer.Context, home: Home, as_json: Json = False) -> None:
    """List the runs of a home with their state, time and disk; `show` one, `rm` some, `gc` what is left over.

    Time is what the artifacts behind a run took to be made, disk what they hold; runs share some of both.
    """
    if context.invoked_subcommand:
        return
    from genius_bench.reporting.run_facts import listed

    rows = listed(home)
    if as_json:
        say_json(rows)
        return
    table = new_table("run", "what", "state", "finished", "time", "disk")
    for column in table.columns[1:4]:
        column.justify = "left"
        column.no_wrap = False
    table.columns[0].min_width = max((len(row["id"]) for row in rows), default=0)  # ids are copied: never cut
    table.columns[1].overflow = "fold"
    for column in table.columns[4:]:
        column.min_width = LONGEST
    for row in rows:
        finished = (row["finished_at"] or "–")[:16].replace("T", " ")
        time = "–" if row["seconds"] is None else duration(row["seconds"])
        disk = "–" if row["bytes"] is None else size(row["bytes"])
        table.add_row(*map(cell, (row["id"], row["what"] or "–", row["state"], finished, time, disk)))
    open_console().print(table)


@group.command()
def show(
    home: Home,
    run: Annotated[str, typer.Argument(help="A run's id or its beginning.")],
    as_json: Json = False,
) -> None:
    """Show one run: its checkpoints by short paths, its scores, its log, and what of its recipe is not the default."""
    from genius_bench.artifacts import Store
    from genius_bench.reporting.run_facts import record, summary
    from genius_bench.runs import chosen_runs

    [found] = chosen_runs(home, [run])
    facts = summary(Store(home), found)
    values = record(home, found)
    if as_json:
        say_json({**facts, **values, "recipe": found.recipe})
        return
    took = f"{facts['state']} {facts['finished_at']}, {duration(facts['seconds'])}, {size(facts['bytes'])}"
    say(f"{found.id}: {facts['what']}\n{took}\nlog: {values['log']}")
    for one in values["checkpoints"]:
        say(f"checkpoint of iteration {one['iteration']}: {one['path']}")
    table = new_table("model", "task", "metric", "score", "n")
    for one in values["scores"]:
        interval = f"{percent(one['value'])} [{percent(one['low'])}, {percent(one['high'])}]"
        table.add_row(*map(cell, (one["model"], one["task"], one["metric"], interval, str(one["n"]))))
    if values["scores"]:
        open_console().print(table)
    if found.recipe:
        from genius_bench.shown_recipe import differing

        say(
            "\n".join(["not the default:", *(f"  {key} = {value}" for key, value in differing(found.recipe))])
        )


@group.command()
def rm(home: Home, names: Names) -> None:
    """Forget runs: their records, logs and short paths. Their artifacts stay until `runs gc --delete`."""
    from genius_bench.run_places import RUNNING, forget, state_of, unfinished
    from genius_bench.runs import chosen_runs, read_runs

    begun = unfinished(home, read_runs(home))
    wanted = [
        ids[0]
        if len(ids := [one for one in begun if one.startswith(name)]) == 1
        else chosen_runs(home, [name])[0].id
        for name in names
    ]
    if going := [name for name in wanted if state_of(home, name) == RUNNING]:
        raise InputError(f"run '{going[0]}' is going on: end it first")
    for name in wanted:
        forget(home, name)
        say(f"removed: {name}")


@group.command()
def gc(
    home: Home,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove them; only listed when not given.")
    ] = False,
) -> None:
    """List (or --delete) artifacts that no run leads to any more.

    --delete forgets what boards remember of scores as well: they count it again."""
    from genius_bench.reporting.remembered import FOLDER
    from genius_bench.reporting.run_facts import garbage, not_finished

    for state, ids in not_finished(home).items():
        raise InputError(
            f"{counted(len(ids), 'run')} {state} ({', '.join(ids[:3])}): what they have made belongs to no record yet; "
            "let them finish, or `genius-bench runs rm` them first"
        )
    paths, held = garbage(home)
    for path in paths:
        if delete:
            shutil.rmtree(path)
        else:
            say(str(path.relative_to(home)))
    if delete:
        shutil.rmtree(home / FOLDER, ignore_errors=True)
    verb = "removed" if delete else "to be removed by --delete"
    say(f"{counted(len(paths), 'artifact')}, {size(held)}: {verb}")


def size(held: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if held < 1024:
            return f"{held:.0f} {unit}" if unit == "B" else f"{held:.1f} {unit}"
        held /= 1024
    return f"{held:.1f} TiB"
