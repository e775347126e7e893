"""`genius-bench eval`: scores for any checkpoint."""

from typing import Annotated

import typer

from genius_bench import registry
from genius_bench.cli import app
from genius_bench.cli.options import (
    SCORED,
    Data,
    EngineName,
    Home,
    Json,
    Judge,
    JudgeUrl,
    Protocol,
    Set,
    Suite,
    UnsafeCode,
    Workers,
)
from genius_bench.cli.planning import DryRun, ResponseTokens, Throughput, given_throughput, print_plan
from genius_bench.errors import InputError
from genius_bench.layers import merge, parse_assignments, section_of, validate
from genius_bench.printing import say_json
from genius_bench.recipe import EngineSection, EvaluationSection


@app.command("eval")
def evaluate(
    home: Home,
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="'lab', 'smollm2', a local folder (model or LoRA adapter), a hub id, or a server's URL."
        ),
    ],
    suite: Suite = None,
    data: Data = None,
    protocol: Protocol = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Samples per item at T=1, beside the greedy answer.",
            show_default="the protocol's",
            rich_help_panel=SCORED,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Only the first items of each task.", show_default=False, rich_help_panel=SCORED),
    ] = None,
    judge: Judge = None,
    judge_url: JudgeUrl = None,
    engine: EngineName = None,
    workers: Workers = None,
    set_: Set = None,
    unsafe_code: UnsafeCode = False,
    dry_run: DryRun = False,
    throughput: Throughput = None,
    response_tokens: ResponseTokens = None,
    json_output: Json = False,
) -> None:
    """Score a checkpoint on a suite and show the board it stands on."""
    speed = given_throughput(dry_run, throughput, response_tokens, needed=("scoring",))
    asked = parse_assignments(set_ or [])
    if unknown := set(asked) - {"evaluation", "engine"}:
        raise InputError(f"--set {unknown.pop()}: an evaluation has the sections 'evaluation' and 'engine'")
    given = {
        "suite": suite,
        "protocol": protocol,
        "judge": {key: value for key, value in (("model", judge), ("url", judge_url)) if value} or None,
        "data": str(data) if data else None,
        "samples": samples,
        "limit": limit,
        "unsafe_code": unsafe_code or None,
    }
    options = {key: value for key, value in given.items() if value is not None}
    settings = validate(EvaluationSection, merge(section_of(asked, "evaluation"), options), "evaluation")
    from genius_bench.engines.endpoint import is_url

    asked_engine = {key: value for key, value in (("name", engine), ("workers", workers)) if value}
    default = {"name": "openai"} if is_url(checkpoint) else {}
    engine_values = merge(default, section_of(asked, "engine"), asked_engine)
    engine_settings = validate(EngineSection, engine_values, "engine")

    from genius_bench.cli.board import print_board
    from genius_bench.pipeline import asked_tasks, evaluate_one
    from genius_bench.processes import warm_up
    from genius_bench.reporting.run_facts import record

    warm_up()
    registry.check("engines", engine_settings.generator)
    if dry_run:
        from genius_bench.planning.planner import plan_evaluation

        tasks = asked_tasks(settings, checkpoint)
        plan = plan_evaluation(home, checkpoint, tasks, settings, engine_settings, throughput=speed)
        print_plan(plan, as_json=json_output)
        return
    run = evaluate_one(home, checkpoint, settings, engine_settings)
    if json_output:
        say_json(record(home, run))
        return
    print_board(home, settings=run.evaluations[0].settings, tasks=list(run.evaluations[0].scores))
