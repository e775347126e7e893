"""One way through the house: queries → training set → checkpoint → scores, once per iteration."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench import stages
from genius_bench.artifacts import Artifact, Store
from genius_bench.contamination.gate import refuse
from genius_bench.corpora import Corpus
from genius_bench.engines.endpoint import resolve_served
from genius_bench.engines.loading import ModelFiles, resolve_model
from genius_bench.evaluation.cards import tasks_of
from genius_bench.evaluation.controls import controls_of
from genius_bench.integrity import digest_of
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.fitting import refuse_sampling, refuse_training
from genius_bench.printing import note
from genius_bench.recipe import CONTROLS, EngineSection, EvaluationSection, JudgeSection, Recipe
from genius_bench.resolution import Resolved
from genius_bench.run_places import going_on, link_checkpoints
from genius_bench.runs import Evaluation, Run, write_run
from genius_bench.sampling.collecting import rows_and_left_out
from genius_bench.sharing.cards import renew_cards, write_cards

JUDGEMENT = ("model", "both_orders", "temperature", "max_tokens")
SPENDING = {name: True for name in JudgeSection.model_fields if name not in JUDGEMENT}
"""How a judge is reached and paid: no part of what its verdicts depend on, nor anything to write down."""

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint


def train(home: Path, resolved: Resolved, *, evaluate: bool = True) -> Run:
    """Runs a recipe (finding whatever exists already) and records it. Raises before any work for bad input."""
    with ExitStack() as meanwhile:
        return _train(home, resolved, evaluate, meanwhile)


def _train(home: Path, resolved: Resolved, evaluate: bool, meanwhile: ExitStack) -> Run:
    from genius_bench.training.stage import checkpoints_on_the_way

    recipe = resolved.recipe
    # Whoever wants a leaky corpus refused wants that also of a run that is scored later.
    looks = evaluate or recipe.corpus.overlap == "refuse"
    tasks, missing = tasks_of(recipe.evaluation, recipe.model) if looks else ([], [])
    refuse_training(home, recipe)
    stages.check_recipe(home, resolved)
    base = resolve_model(recipe.model)
    corpus = stages.read_corpus(home, resolved, base)
    run_id = resolved.run_id(base.fingerprint, corpus.fingerprint)
    meanwhile.enter_context(going_on(home, run_id))
    note(f"run {run_id}: {resolved.method.title} on {recipe.model}, seed {recipe.seed}")
    skipped = "".join(f", {count} skipped ({reason})" for reason, count in corpus.skipped.items())
    short = f" of the {corpus.wanted} wanted" if len(corpus.queries) < (corpus.wanted or 0) else ""
    note(f"corpus {corpus.name}: {len(corpus.queries)} queries{short}{skipped}")
    if corpus.unread and corpus.name != "lab":
        note(f"corpus {corpus.name}: columns not read: {', '.join(corpus.unread)}")
    overlap = _checked_overlap(corpus, tasks, recipe) if looks and recipe.corpus.overlap != "off" else {}
    if missing:
        note(f"not available yet, left out: {', '.join(missing)}")

    policy, policies, checkpoints = base, [base], []
    training_sets: list[Artifact] = []
    on_the_way: list[dict[str, str]] = []
    steps = 0
    for iteration in range(1, resolved.method.iterations + 1):
        if isinstance(resolved.method, OnlineMethod):
            checkpoint = stages.learn_online(home, resolved, corpus, policy)
            if said := stages.audit(home, checkpoint, corpus):
                note(said)
        else:
            training_sets.append(stages.collect(home, resolved, corpus, policy, training_sets))
            note(f"training set: {rows_and_left_out(training_sets[-1])}")
            start = base if resolved.method.restarts_from_base(iteration) else policy
            checkpoint = stages.optimise(home, resolved, training_sets[-1], start, iteration)
        for step, (folder, _) in checkpoints_on_the_way(checkpoint.path).items():
            between = _named(resolve_model(str(folder)), resolved, iteration)
            policies.append(replace(between, name=f"{between.name} step {steps + step}"))
            on_the_way.append(_record_on_the_way(iteration, steps + step, checkpoint, policies[-1]))
        steps += int(checkpoint.manifest["counters"]["steps"])
        policy = _named(resolve_model(str(checkpoint.path / "model")), resolved, iteration)
        policies.append(policy)
        checkpoints.append(_checkpoint_record(iteration, training_sets, checkpoint, policy))

    evaluations = []
    if evaluate:
        # A server that has sampled has none of the checkpoints: all are scored by one engine that runs files.
        on_boards = {
            base.fingerprint,
            *(one["fingerprint"] for one in checkpoints),
        }  # equal weights are one model
        uncontrolled = {one["fingerprint"] for one in on_the_way} - on_boards
        evaluations = evaluate_models(
            home, policies, tasks, recipe.evaluation, recipe.engine.for_files, uncontrolled
        )
    run = Run(
        id=run_id,
        recipe=recipe.model_dump(),
        base=recipe.model,
        base_fingerprint=base.fingerprint,
        corpus={
            "name": corpus.name,
            "fingerprint": corpus.fingerprint,
            "queries": len(corpus.queries),
            "skipped": corpus.skipped,
            "columns": corpus.columns,
            "origin": corpus.origin,
            "overlap": overlap,
        },
        checkpoints=checkpoints,
        on_the_way=on_the_way,
        evaluations=evaluations,
    )
    write_run(home, run)
    link_checkpoints(home, run)
    write_cards(home, run)
    return run


def _checked_overlap(corpus: Corpus, tasks: list[str], recipe: Recipe) -> dict[str, dict[str, int]]:
    """Items of each task that training queries hold; a warning where there are any, or a refusal."""
    gate = stages.look_for_overlap(corpus, tasks, recipe.evaluation)
    if recipe.corpus.overlap == "refuse":
        refuse(gate)
    for line in gate.lines():
        note(line)
    return gate.record()


def _named(model: ModelFiles, resolved: Resolved, iteration: int) -> ModelFiles:
    rounds = f" iteration {iteration}" if resolved.method.iterations > 1 else ""
    return replace(model, name=f"{resolved.method.name}{rounds}")


def _checkpoint_record(
    iteration: int, training_sets: list[Artifact], checkpoint: Artifact, policy: ModelFiles
) -> dict[str, str]:
    return {
        "iteration": str(iteration),
        **({"training_set": training_sets[-1].key} if training_sets else {}),
        "key": checkpoint.key,
        "path": str(policy.path),
        "fingerprint": policy.fingerprint,
    }


def _record_on_the_way(iteration: int, step: int, checkpoint: Artifact, policy: ModelFiles) -> dict[str, str]:
    return {
        "iteration": str(iteration),
        "step": str(step),
        "key": checkpoint.key,
        "folder": policy.path.relative_to(checkpoint.path).as_posix(),
        "path": str(policy.path),
        "fingerprint": policy.fingerprint,
    }


def evaluate_one(home: Path, checkpoint: str, settings: EvaluationSection, engine: EngineSection) -> Run:
    """Scores a model (a name as for a run, or a server's URL) and records that as a run of its own.

    Raises `InputError` before any work for bad input.
    """
    tasks = asked_tasks(settings, checkpoint)
    refuse_sampling(checkpoint, engine)
    model = resolve_served(checkpoint, engine)
    Store(home)
    described = digest_of([model.fingerprint, _described(settings), sorted(tasks)])[:10]
    with going_on(home, f"eval-{described}"):
        evaluations = evaluate_models(home, [model], tasks, settings, engine)
        run = Run(id=f"eval-{described}", evaluations=evaluations)
        write_run(home, run)
    renew_cards(home, model.fingerprint)
    return run


def asked_tasks(settings: EvaluationSection, model: str) -> list[str]:
    """The tasks of an evaluation that there are; those of its suite that there are not yet are told."""
    tasks, missing = tasks_of(settings, model)
    if missing:
        note(f"not available yet, left out: {', '.join(missing)}")
    return tasks


def evaluate_models(
    home: Path,
    models: "Sequence[ModelFiles | Endpoint]",
    tasks: list[str],
    settings: EvaluationSection,
    engine: EngineSection,
    uncontrolled: Collection[str] = (),
) -> list[Evaluation]:
    """Scores models on tasks, and asks them what their controls are made of (`evaluation.controls`); what has been
    scored before under these settings is found. Every model's own evaluation comes before its controls; those whose
    fingerprints are `uncontrolled` have none."""
    own, controls = (settings, tasks), controls_of(settings, tasks)
    asked = [[own, *([] if model.fingerprint in uncontrolled else controls)] for model in models]
    return [
        Evaluation(
            model=model.name,
            fingerprint=model.fingerprint,
            settings=_described(settings),
            scores={score.manifest["parameters"]["task"]: score.key for score in scores},
            control=number > 0,
        )
        for model, of_it, found in zip(
            models, asked, stages.evaluate(home, models, asked, engine), strict=True
        )
        for number, ((settings, _), scores) in enumerate(zip(of_it, found, strict=True))
    ]


def _described(settings: EvaluationSection) -> dict[str, Any]:
    """What answers depend on, in a form that does not change where an option is added and not used."""
    left_out: dict[str, Any] = {"suite": True, "data": True, "unsafe_code": True, "judge": SPENDING}
    described = settings.model_dump(exclude=left_out | dict.fromkeys(CONTROLS, True))
    return {name: value for name, value in described.items() if (name, value) != ("greedy", None)}
