"""From recipes to a plan: looks at what there is, then fills in what the rest takes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from genius_bench import stages
from genius_bench.engines.endpoint import check_asked, is_url, resolve_served
from genius_bench.errors import InputError
from genius_bench.planning.figures import Figures
from genius_bench.planning.fitting import refuse_sampling, refuse_training
from genius_bench.planning.looking import look, look_at_scores
from genius_bench.planning.machine import Machine, free_on_disk, this_machine
from genius_bench.planning.needs import memory_notes, need_for_sampling
from genius_bench.planning.parts import ROUGH, PartOfRecipe
from genius_bench.planning.plan import Part, Plan
from genius_bench.planning.scoring import longest_answer, sampling_devices, scoring_steps
from genius_bench.planning.steps import without_repetition
from genius_bench.planning.throughput import Throughput
from genius_bench.processes import in_own_process
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.resolution import Resolved

ELSEWHERE = Machine((0,), "a device of the given throughput", 0)
UPPER_BOUNDS = (
    "Lengths are assumed to be the recipe's limits: tokens, hours and disk are upper bounds. --response-tokens N says "
    "how long a response usually is"
)
ELSEWHERE_MEMORY = (
    "Memory is that of GPUs (bfloat16 where the recipe leaves it open); loading is not in the hours"
)
UNTIMED = "Servers are not tried: --throughput scoring=TOKENS says how fast this one is"


def plan(
    home: Path,
    recipes: Sequence[Resolved],
    *,
    throughput: Throughput | None = None,
    evaluate: bool = True,
) -> Plan:
    """What the recipes would take. Work that several of them share, and what is there already, costs nothing more.

    Without `throughput` it is tried on this machine (`planning.calibration`), for which each must fit; with it no
    model is loaded. Raises `InputError` for bad input as a run would, and `GeniusBenchError` where trying fails.
    """
    here = throughput is None
    for resolved in recipes:
        stages.check_recipe(home, resolved, here=here)
        if here:
            _refuse_untried(resolved.recipe.engine)
            refuse_training(home, resolved.recipe)
    looked = in_own_process(look, home, recipes, evaluate=evaluate, offline=throughput is not None)
    machine = ELSEWHERE if throughput else this_machine()
    figures = Figures(home, machine.device_name, throughput)
    makers = [
        PartOfRecipe(machine, figures, resolved, one) for resolved, one in zip(recipes, looked, strict=True)
    ]
    notes = [note for maker in makers for note in maker.notes()]
    return _plan(figures, [maker.part for maker in makers], notes)


def _refuse_untried(engine: EngineSection) -> None:
    if engine.generator == "openai":
        raise InputError(
            "servers are not tried, which would spend what the plan is to tell: say how fast this one is with "
            "--throughput sampling=TOKENS,training=TOKENS"
        )


def plan_evaluation(
    home: Path,
    model: str,
    tasks: Sequence[str],
    settings: EvaluationSection,
    engine: EngineSection,
    *,
    throughput: Throughput | None = None,
) -> Plan:
    """What scoring a model (a name as for a run, or a server's URL) would take; see `plan`."""
    check_asked(model, engine)
    if throughput is None:
        refuse_sampling(model, engine)
    endpoint = resolve_served(model, engine) if is_url(model) else None
    shape, files, seen = in_own_process(
        look_at_scores, home, endpoint or model, tasks, settings, engine, offline=throughput is not None
    )
    machine = ELSEWHERE if throughput else this_machine()
    figures = Figures(home, machine.device_name, throughput)
    scoring = figures.scoring(files, [seen], settings, engine)
    steps = scoring_steps(seen, scoring, sampling_devices(engine), settings.judge)
    needs = []
    if shape is not None:
        peak = scoring.speed.peak_bytes if scoring else None
        needs.append(need_for_sampling(shape, engine, machine, longest_answer(seen, scoring), peak))
    items = sum(task.items.value for task in seen.tasks)
    part = Part(
        title=f"eval {seen.model}",
        subject=f"{len(seen.tasks)} tasks, {items:,.0f} items, protocol {settings.protocol}",
        steps=steps,
        needs=needs,
    )
    notes = memory_notes(needs)
    if scoring and not scoring.speed.complete:
        notes.append(ROUGH)
    if any(not step.timed for step in steps):
        notes.append(UNTIMED)
    return _plan(figures, [part], notes)


def _plan(figures: Figures, parts: list[Part], notes: list[str]) -> Plan:
    """Steps that several parts share cost once, and notes are said once."""
    if given := figures.throughput:
        notes = [*([] if given.response_tokens else [UPPER_BOUNDS]), ELSEWHERE_MEMORY, *notes]
    steps = without_repetition([step for part in parts for step in part.steps])
    return Plan(
        parts=[replace(part, steps=list(islice(steps, len(part.steps)))) for part in parts],
        disk_free=free_on_disk(figures.home),
        device_name=figures.device_name,
        notes=list(dict.fromkeys(notes)),
    )
