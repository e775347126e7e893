"""`genius-bench train`: from a base model and queries to a scored checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import (
    LOOK,
    SCORED,
    WHAT,
    WHERE,
    Corpus,
    Data,
    EngineName,
    Home,
    Json,
    Judge,
    JudgeUrl,
    Method,
    Model,
    Protocol,
    RecipeFile,
    Set,
    Suite,
    UnsafeCode,
    Workers,
    completed,
)
from genius_bench.cli.planning import DryRun, ResponseTokens, Throughput, given_throughput, print_plan
from genius_bench.cli.sweeping import combinations, each
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.layers import Layer, merge, parse_assignments, read_layer
from genius_bench.printing import hand_over, say, say_json

if TYPE_CHECKING:
    from genius_bench.runs import Run

EXAMPLES = """Examples:

genius-bench train --method genius --queries 500

genius-bench train --method scpo --model ./llama --corpus my.jsonl --suite reasoning

genius-bench train --objective dpo --seeds 0,1,2 --sweep training.learning_rate=5e-7,1e-6

genius-bench train --method pairs --corpus pairs.jsonl --set training.lora.rank=16 --dry-run"""


@app.command(epilog=EXAMPLES)
def train(
    home: Home,
    method: Method = None,
    variant: Annotated[
        str | None,
        typer.Option(
            help="A named variant of the method (released, no_foresight, …).",
            show_default="paper",
            rich_help_panel=WHAT,
        ),
    ] = None,
    model: Model = None,
    corpus: Corpus = None,
    queries: Annotated[
        int | None, typer.Option(help="How many queries to draw.", show_default=False, rich_help_panel=WHAT)
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="Another objective than the method's.",
            show_default=False,
            rich_help_panel=WHAT,
            autocompletion=completed("objectives"),
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of sampling and training.", show_default="0", rich_help_panel=WHAT),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Several seeds, a run each: 0,1,2.", show_default=False, rich_help_panel=WHAT),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION.KEY=A,B,…",
            help="A run for each value; with several sweeps, for each combination. One board.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    engine: EngineName = None,
    workers: Workers = None,
    launcher: Annotated[
        str | None,
        typer.Option(
            help="torchrun, accelerate or deepspeed: trains in several processes.",
            show_default=False,
            rich_help_panel=WHERE,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            help="Training processes per machine, one a device.", show_default="1", rich_help_panel=WHERE
        ),
    ] = None,
    machines: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated hosts (reached by ssh, this one first).",
            show_default=False,
            rich_help_panel=WHERE,
        ),
    ] = None,
    sharding: Annotated[
        str | None,
        typer.Option(
            help="zero2, zero3 or fsdp2: what training processes divide.",
            show_default="none",
            rich_help_panel=WHERE,
        ),
    ] = None,
    suite: Suite = None,
    data: Data = None,
    protocol: Protocol = None,
    judge: Judge = None,
    judge_url: JudgeUrl = None,
    recipe: RecipeFile = None,
    set_: Set = None,
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows",
            help="Skip and count unusable corpus rows instead of stopping.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    unsafe_code: UnsafeCode = False,
    eval_every: Annotated[
        int | None,
        typer.Option(
            help="Keep and score a checkpoint every so many optimiser steps, too.",
            show_default=False,
            rich_help_panel=SCORED,
        ),
    ] = None,
    no_eval: Annotated[
        bool, typer.Option("--no-eval", help="Train only; do not score.", rich_help_panel=SCORED)
    ] = False,
    show_recipe: Annotated[
        bool,
        typer.Option(
            "--show-recipe",
            help="Only print the complete recipe as YAML, marked where it is not the default.",
            rich_help_panel=LOOK,
        ),
    ] = False,
    dry_run: DryRun = False,
    throughput: Throughput = None,
    response_tokens: ResponseTokens = None,
    json_output: Json = False,
) -> None:
    """Train a model with a self-training method, score it against its base, and show the board.

    Everything finished is kept and found again: an interrupted command continues where it stopped.
    """
    options: Layer = {
        "method": method,
        "variant": variant,
        "model": model,
        "seed": seed,
        "corpus": {"name": corpus, "queries": queries, "skip_bad_rows": skip_bad_rows or None},
        "objective": {"name": objective},
        "engine": {"name": engine, "workers": workers},
        "launch": {
            "launcher": launcher,
            "processes": processes,
            "machines": machines.split(",") if machines else None,
            "sharding": sharding,
        },
        "training": {"eval_every": eval_every},
        "evaluation": {
            "suite": suite,
            "protocol": protocol,
            "judge": {"model": judge, "url": judge_url},
            "data": str(data) if data else None,
            "unsafe_code": unsafe_code or None,
        },
    }
    layers = [read_layer(recipe) if recipe else {}, parse_assignments(set_ or []), _given(options)]
    given = given_throughput(dry_run, throughput, response_tokens, needed=("sampling", "training"))

    if seed is not None and seeds is not None:
        raise InputError("--seed and --seeds: give one of them")
    variations = combinations([*([f"seed={seeds}"] if seeds else []), *(sweep or [])])
    from genius_bench.artifacts import Store
    from genius_bench.pipeline import train as train_recipe
    from genius_bench.processes import warm_up
    from genius_bench.reporting.run_facts import record
    from genius_bench.resolution import resolve
    from genius_bench.shown_recipe import shown

    if not show_recipe:
        warm_up()
    recipes = [resolve(merge(*layers, variation)) for variation in variations]
    if show_recipe:
        hand_over("---\n".join(shown(one.recipe.model_dump()) for one in recipes))
        return
    if dry_run:
        from genius_bench.planning.planner import plan

        planned = plan(home, recipes, throughput=given, evaluate=not no_eval)
        print_plan(planned, as_json=json_output)
        return
    Store(home)
    runs: list[Run] = []
    failed: list[GeniusBenchError] = []
    try:
        for run in each(recipes, lambda one: train_recipe(home, one, evaluate=not no_eval)):
            runs.append(run)
    except GeniusBenchError as error:  # told when those that came through are
        failed.append(error)
    if json_output and runs:
        told = [record(home, run) for run in runs]
        say_json(told if len(recipes) > 1 else told[0])
    elif runs:
        _tell(home, runs, with_board=not no_eval)
    if failed:
        raise failed[0]


def _tell(home: Path, runs: "list[Run]", with_board: bool) -> None:
    """Where the checkpoints are, and the board that the last run stands on, as all of a sweep do."""
    from genius_bench.cli.board import print_board
    from genius_bench.run_places import short_path

    for run in runs:
        for way in run.on_the_way:
            say(f"checkpoint: {way['path']}")
        for iteration in range(1, len(run.checkpoints) + 1):
            say(f"checkpoint: {short_path(home, run, iteration)}")
    if with_board:
        last = runs[-1].evaluations[0]
        print_board(home, settings=last.settings, tasks=list(last.scores))


def _given(layer: Layer) -> Layer:
    """The options that were given, without those that were not."""
    result: dict[str, Any] = {}
    for key, value in layer.items():
        if isinstance(value, dict):
            value = _given(value) or None
        if value is not None:
            result[key] = value
    return result
