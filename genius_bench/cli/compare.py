"""`genius-bench compare A B`: is B better than A, and which answers changed?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json, Suite
from genius_bench.printing import cell, new_table, open_console, plain, say_json, words
from genius_bench.reporting.numbers import gained, p_value, percent

if TYPE_CHECKING:
    from rich.table import Table

    from genius_bench.reporting.comparing import Change, Comparison, TaskComparison


@app.command()
def compare(
    home: Home,
    a: Annotated[
        str,
        typer.Argument(
            help="A model: its label on the board (that of a mean over seeds, too), the beginning of a run's id, a "
            "path or a hub id."
        ),
    ],
    b: Annotated[str, typer.Argument(help="The model to hold against it.")],
    suite: Suite = None,
    changed: Annotated[int, typer.Option(min=0, help="How many changed answers to show of each task.")] = 2,
    as_json: Json = False,
) -> None:
    """Test two models against each other, question by question, and show the answers that changed."""
    from genius_bench.evaluation.cards import resolve_suite
    from genius_bench.reporting.comparing import compare as compare_models

    found = compare_models(home, a, b, resolve_suite(suite) if suite else None)
    if as_json:
        say_json(_plain(found, changed))
        return
    console = open_console()
    limit = found.settings.get("limit")
    limited = f" · the first {limit} items of each task" if limit else ""
    protocol = f"protocol {found.settings['protocol']} at T={found.settings['temperature']:g}{limited}"
    console.print(cell(f"B, {found.b}, against A, {found.a} · {protocol}", style="bold"))
    if found.same_model:
        console.print(words("Both names mean the same model: nothing can differ."))
    console.print(_table(found))
    for task, reason in found.not_comparable.items():
        console.print(cell(f"{task}: not compared ({reason})"))
    for note in found.notes:
        console.print(cell(f"! {note}"))
    console.print(
        words(
            "In percent, [ ] 95 % intervals; paired by question, p Holm-corrected over tasks. Detectable: the "
            "smallest true difference that answers of this number and spread show in four of five attempts.",
            style="dim",
        )
    )
    for compared in found.tasks:
        for change in compared.changes[:changed]:
            console.print()
            console.print(_side_by_side(compared.task, change, found))


def _table(found: "Comparison") -> "Table":
    table = new_table("task", "A", "B", "B − A", "p", "detectable", "better/worse")
    for one in found.tasks:
        better = sum(change.gain > 0 for change in one.changes)
        table.add_row(
            _name(one),
            percent(one.a),
            percent(one.b),
            gained(one.difference),
            p_value(one.difference.p_value),
            percent(one.detectable) if one.detectable else "–",
            f"{better}/{len(one.changes) - better}",
        )
    table.add_row(
        "average", "", "", gained(found.average), p_value(found.average.p_value), "", "", style="bold"
    )
    return table


def _name(one: "TaskComparison") -> str:
    task = one.task.removeprefix("lab_")
    return task if one.metric == "sampled" else f"{task} ({one.metric})"


def _side_by_side(task: str, change: "Change", found: "Comparison") -> "Table":
    """One item: the question and gold above, an answer of each model beneath."""
    table = new_table(
        lines=True,
        title=cell(f"{task}, item {change.item}: {100 * change.gain:+.0f} points"),
        title_justify="left",
    )
    for label, answer in ((found.a, change.a), (found.b, change.b)):
        table.add_column(cell(f"{label}: {_verdict(answer)}"), overflow="fold", ratio=1)
    table.add_row(
        words(_cut(change.question, 400)), words(f"gold: {_cut(change.gold, 200)}"), end_section=True
    )
    table.add_row(*(words(_cut(answer["response"], 800)) for answer in (change.a, change.b)))
    return table


def _verdict(answer: dict[str, Any]) -> str:
    right = answer["correct"]
    mark = ("right" if right else "wrong") if isinstance(right, bool) else f"{right:.2f}"
    read = answer["extracted"] or "nothing readable"
    return f"{mark} ({_cut(' '.join(read.split()), 30)})"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _plain(found: "Comparison", changed: int) -> dict[str, Any]:
    """As JSON, with as many changed answers as asked for."""
    values: dict[str, Any] = plain(found)
    for task in values["tasks"]:
        task["changes"] = task["changes"][:changed]
    return {"name": f"{found.b} against {found.a}", **values}
