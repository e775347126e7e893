"""The options of commands that can be planned, and how a plan is printed."""

from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli.options import LOOK
from genius_bench.errors import InputError
from genius_bench.printing import open_console, say_json

if TYPE_CHECKING:
    from genius_bench.planning.plan import Plan
    from genius_bench.planning.throughput import Throughput as Given

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


def given_throughput(
    dry_run: bool, text: str | None, response_tokens: int | None, *, needed: tuple[str, ...]
) -> "Given | None":
    """What a plan is to go by; without it, it tries. Raises `InputError` for options of a plan without --dry-run, or
    without each other."""
    options = {"--throughput": text, "--response-tokens": response_tokens}
    stray = [name for name, value in options.items() if value is not None]
    if stray and not dry_run:
        raise InputError(f"{stray[0]} is about plans: it needs --dry-run")
    if text is None:
        if stray:
            raise InputError("--response-tokens needs --throughput: without it, lengths are found by trying")
        return None
    from genius_bench.planning.throughput import parse_throughput

    return parse_throughput(text, needed=needed, response_tokens=response_tokens)


def print_plan(plan: "Plan", *, as_json: bool) -> None:
    if as_json:
        say_json(plan.as_json())
        return

    from genius_bench.reporting.plan import show_plan

    show_plan(plan, open_console())
