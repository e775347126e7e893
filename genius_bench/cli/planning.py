"""The options of commands that can be planned, and how a plan is printed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench.cli.options import LOOK
from genius_bench.errors import InputError
from genius_bench.printing import open_console, say_json

if TYPE_CHECKING:
    from genius_bench.planning.plan import Plan

DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Only say what it would take: tokens, memory, disk and hours.", rich_help_panel=LOOK
    ),
]
Throughput = Annotated[
    str | None,
    typer.Option(
        "--throughput",
        metavar="sampling=N,training=N,scoring=N",
        help="With --dry-run: tokens per second and device, instead of trying it on this machine.",
        show_default=False,
        rich_help_panel=LOOK,
    ),
]
ResponseTokens = Annotated[
    int | None,
    typer.Option(
        "--response-tokens",
        min=1,
        help="With --throughput: how long a response usually is.",
        show_default="its limit",
        rich_help_panel=LOOK,
    ),
]


@dataclass(frozen=True)
class Asked:
    """A plan that was asked for: as JSON or not, and the `numbers` that planners are given."""

    as_json: bool
    numbers: dict[str, Any]


def planned(
    dry_run: bool,
    throughput: str | None,
    response_tokens: int | None,
    as_json: bool,
    *,
    needed: tuple[str, ...],
) -> Asked | None:
    """None for a real run. Raises `InputError` for options of a plan without --dry-run, or without each other."""
    options = {"--throughput": throughput, "--response-tokens": response_tokens}
    stray = [name for name, value in options.items() if value is not None]
    if not dry_run:
        if stray:
            raise InputError(f"{stray[0]} is about plans: it needs --dry-run")
        return None
    if response_tokens is not None and throughput is None:
        raise InputError("--response-tokens needs --throughput: without it, lengths are found by trying")
    from genius_bench.planning.throughput import parse_throughput

    parsed = parse_throughput(throughput, needed=needed) if throughput is not None else None
    return Asked(as_json, {"throughput": parsed, "response_tokens": response_tokens})


def print_plan(plan: "Plan", asked: Asked) -> None:
    if asked.as_json:
        say_json(plan.as_json())
        return

    from genius_bench.reporting.plan import show_plan

    show_plan(plan, open_console())
