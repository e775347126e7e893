"""`genius-bench tasks`: what there is to be scored on, and whether it can be trusted."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.listings import show_rows
from genius_bench.cli.options import Data, Json, Suite
from genius_bench.errors import GeniusBenchError
from genius_bench.printing import open_console, say_json, words
from genius_bench.reporting.numbers import percent

if TYPE_CHECKING:
    from genius_bench.evaluation.cards import TaskCard
    from genius_bench.evaluation.verifying import Verification

group = typer.Typer(
    invoke_without_command=True, no_args_is_help=False, help="List or verify the evaluation tasks."
)
app.add_typer(group, name="tasks")
SHOWN = 5


@group.callback()
def tasks(context: typer.Context, as_json: Json = False) -> None:
    """List the evaluation tasks, or `verify` them. Shots that differ are those of strict/paper/released."""
    if context.invoked_subcommand:
        return
    from genius_bench.evaluation.cards import available_tasks

    show_rows(
        [_row(card) for card in available_tasks()], as_json, only_json=("opencompass", "source", "max_tokens")
    )


def _row(card: "TaskCard") -> dict[str, Any]:
    from genius_bench.evaluation.protocols import protocols

    under = [card.under(name) for name in protocols()]
    return {
        "name": card.name,
        "grader": card.facts.grader,
        "items": card.facts.expected_items,
        "shots": "/".join(str(one.shots) for one in under)
        if len({one.shots for one in under}) > 1
        else str(card.shots),
        "samples": 4 if card.facts.samples is None else card.facts.samples,
        "opencompass": card.facts.opencompass,
        "licence": card.facts.licence,
        "source": card.facts.source,
        "max_tokens": card.max_tokens,
    }


@group.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Tasks or suites; all tasks when none is named.", show_default=False),
    ] = None,
    suite: Suite = None,
    data: Data = None,
    unsafe_code: Annotated[
        bool,
        typer.Option(
            "--unsafe-code", help="Run reference programs without a sandbox where none is available."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Grade the gold answer of every item and check that the items are the expected ones.

    Exit code 1 when an item's gold answer is not accepted, the items are others, or they cannot be had.
    """
    from genius_bench.evaluation.cards import available_tasks, resolve_suite, task_card
    from genius_bench.evaluation.verifying import Verification, verify_all

    asked = [*(names or []), *([suite] if suite is not None else [])]
    cards = [task_card(name) for name in resolve_suite(",".join(asked))] if asked else available_tasks()
    found = verify_all(cards, str(data) if data else None, unsafe_code=unsafe_code)
    problems = sum(not isinstance(one, Verification) or not one.sound for one in found)
    if as_json:
        rows = [
            {"name": card.name, **(asdict(one) if isinstance(one, Verification) else {"problem": one})}
            for card, one in zip(cards, found, strict=True)
        ]
        say_json(rows)
    else:
        console = open_console()
        for card, one in zip(cards, found, strict=True):
            console.print(words(one if isinstance(one, str) else _report(card, one)))
    if problems:
        raise GeniusBenchError(f"{problems} of {len(cards)} tasks are not as they should be")


def _report(card: "TaskCard", found: "Verification") -> str:
    state = "not the items the task expects" if found.changed else "items as expected"
    if card.facts.fingerprint is None and not card.facts.items and not found.changed:
        state = "number of items as expected (no fingerprint to hold them against)"
    expected = f" of {found.expected}" if found.expected not in (None, found.items) else ""
    lines = [f"{found.task}: {found.items}{expected} items, {state}"]
    if found.note:
        lines.append(f"  not graded: {found.note}")
    else:
        rule = "" if found.published is None else f" (published rule: {percent(found.published)} %)"
        lines.append(f"  gold answers accepted: {found.graded - len(found.refused)} of {found.graded}{rule}")
    for one in found.refused[:SHOWN]:
        lines.append(f"    {one.item}: gold {_short(one.gold)}, read {_short(one.extracted or 'nothing')}")
    if len(found.refused) > SHOWN:
        lines.append(f"    … and {len(found.refused) - SHOWN} more (--json lists all)")
    return "\n".join(lines)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:59] + "…")
