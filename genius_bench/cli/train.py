"""`genius-bench train`: from a base model and queries to a scored checkpoint."""

from typing import Annotated, Any

import typer

from genius_bench.cli import app
from genius_bench.cli.options import (
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
)
from genius_bench.cli.planning import DryRun, ResponseTokens, Throughput, planned, print_plan
from genius_bench.layers import Layer, merge, parse_assignments, read_layer
from genius_bench.printing import say


@app.command()
def train(
    home: Home,
    method: Method = None,
    variant: Annotated[
        str | None,
        typer.Option(help="A named variant of the method (released, no_foresight, …).", show_default="paper"),
    ] = None,
    model: Model = None,
    corpus: Corpus = None,
    queries: Annotated[int | None, typer.Option(help="How many queries to draw.", show_default=False)] = None,
    objective: Annotated[
        str | None, typer.Option(help="Another objective than the method's.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of sampling and training.", show_default="0")] = None,
    engine: EngineName = None,
    workers: Workers = None,
    launcher: Annotated[
        str | None,
        typer.Option(
            help="torchrun, accelerate or deepspeed: trains in several processes.", show_default=False
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Training processes per machine, one a device.", show_default="1")
    ] = None,
    machines: Annotated[
        str | None,
        typer.Option(help="Comma-separated hosts (reached by ssh, this one first).", show_default=False),
    ] = None,
    sharding: Annotated[
        str | None,
        typer.Option(help="zero2, zero3 or fsdp2: what training processes divide.", show_default="none"),
    ] = None,
    suite: Suite = None,
    data: Data = None,
    protocol: Protocol = None,
    judge: Judge = None,
    judge_url: JudgeUrl = None,
    recipe: RecipeFile = None,
    set_: Set = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Skip and count unusable corpus rows instead of stopping.")
    ] = False,
    unsafe_code: UnsafeCode = False,
    eval_every: Annotated[
        int | None,
        typer.Option(
            help="Keep and score a checkpoint every so many optimiser steps, too.", show_default=False
        ),
    ] = None,
    no_eval: Annotated[bool, typer.Option("--no-eval", help="Train only; do not score.")] = False,
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
    asked = planned(dry_run, throughput, response_tokens, json_output, needed=("sampling", "training"))

    from genius_bench.artifacts import Store
    from genius_bench.cli.board import print_board
    from genius_bench.pipeline import train as train_recipe
    from genius_bench.processes import warm_up
    from genius_bench.resolution import resolve

    warm_up()
    resolved = resolve(merge(*layers))
    if asked is not None:
        from genius_bench.planning.planner import plan

        print_plan(plan(home, [resolved], evaluate=not no_eval, **asked.numbers), asked)
        return
    Store(home)
    run = train_recipe(home, resolved, evaluate=not no_eval)
    for checkpoint in [*run.on_the_way, *run.checkpoints]:
        say(f"checkpoint: {checkpoint['path']}")
    if not no_eval:
        print_board(home, settings=run.evaluations[0].settings, tasks=list(run.evaluations[0].scores))


def _given(layer: Layer) -> Layer:
    """The options that were given, without those that were not."""
    result: dict[str, Any] = {}
    for key, value in layer.items():
        if isinstance(value, dict):
            value = _given(value) or None
        if value is not None:
            result[key] = value
    return result
