"""One recipe's part of a plan: what is found costs nothing, the rest takes what the figures say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.planning.amounts import NOTHING, Amount, counted, found
from genius_bench.planning.figures import Figures, Scoring
from genius_bench.planning.fitting import STATE_BYTES
from genius_bench.planning.looking import Looked
from genius_bench.planning.machine import Machine
from genius_bench.planning.needs import Need, need_for_sampling, need_for_training
from genius_bench.planning.numbers import PerQuery
from genius_bench.planning.plan import Part
from genius_bench.planning.steps import Step, Trained, evaluate_step, optimise_step, sample_step
from genius_bench.planning.survey import RoundSeen
from genius_bench.planning.survey_scores import ModelSeen, at_step
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.resolution import Resolved
from genius_bench.training.schedule import steps_on_the_way

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint
    from genius_bench.engines.loading import ModelFiles

LATER_ROUNDS = "Rounds after the first are planned with the numbers of the base model"
POOLED = (
    "Responses that an earlier run has drawn with equal settings are reused: the plan does not count on it"
)
NO_ROWS = "No training row came of the calibration's queries: nobody knows how long training takes"
ROUGH = "A calibration ran into its limit of time, and saw the shorter answers only: its numbers are rough, and low"


@dataclass(frozen=True)
class PartOfRecipe:
    """Puts it together from what was looked at and from figures."""

    home: Path
    machine: Machine
    figures: Figures
    resolved: Resolved
    looked: Looked

    def part(self) -> Part:
        recipe, training = self.resolved.recipe, self.looked.training
        variant = "" if recipe.variant == "paper" else f" ({recipe.variant})"
        rounds = f", {len(training.rounds)} rounds" if len(training.rounds) > 1 else ""
        return Part(
            title=f"train {recipe.method}{variant} from {recipe.model}",
            subject=f"{training.corpus.queries.value:,.0f} queries of {training.corpus.name}{rounds}",
            steps=[*self._training_steps(), *self._evaluation_steps()],
            needs=self._needs(),
            working_bytes=self._working_bytes(),
        )

    def notes(self) -> list[str]:
        notes = memory_notes(self._needs())
        if len(self.looked.training.rounds) > 1:
            notes.append(LATER_ROUNDS)
        if any(step.kind == "optimise" and not step.timed for step in self._training_steps()):
            notes.append(NO_ROWS)
        if self._samples and not self.figures.sampling(self.resolved, self.looked).complete:
            notes.append(ROUGH)
        if (self.home / "pools" / self.looked.served_base).exists():
            notes.append(POOLED)
        return notes

    @property
    def _samples(self) -> bool:
        return any(one.collection.state != "found" for one in self.looked.training.rounds)

    def _training_steps(self) -> list[Step]:
        steps = []
        for iteration, round_ in enumerate(self.looked.training.rounds, start=1):
            if round_.collection.state == "found":
                sample = Step(kind="sample", key=round_.collection.key, state="found", iteration=iteration)
            else:
                sample = sample_step(
                    iteration,
                    round_.collection,
                    self.looked.training.corpus,
                    self._per_query(),
                    self.figures.sampling(self.resolved, self.looked),
                    sampling_devices(self.resolved.recipe.engine),
                )
            steps += [sample, self._optimise_step(iteration)]
        return steps

    def _optimise_step(self, iteration: int) -> Step:
        round_ = self.looked.training.rounds[iteration - 1]
        if round_.checkpoint.state == "found":
            return Step(kind="optimise", key=round_.checkpoint.key, state="found", iteration=iteration)
        objective, training = self.resolved.settings_of(iteration)
        launch = self.resolved.recipe.launch
        return optimise_step(
            iteration,
            round_.checkpoint,
            self._trained_on(round_),
            training,
            self.figures.training(self.resolved, self.looked),
            launch.processes * max(1, len(launch.machines)),
            referenced=objective.needs_reference and training.reference == "recompute",
        )

    def _trained_on(self, round_: RoundSeen) -> Trained:
        """The training set that is there, or what a query gives on average."""
        checkpoint, queries = self._checkpoint_bytes(), self.looked.training.corpus.queries
        if round_.rows is not None and round_.tokens is not None:
            return Trained(rows=found(round_.rows), tokens=found(round_.tokens), checkpoint=checkpoint)
        per_query = self._per_query()
        return Trained(
            rows=per_query.rows * queries, tokens=per_query.trained * queries, checkpoint=checkpoint
        )

    def _evaluation_steps(self) -> list[Step]:
        recipe, looked = self.resolved.recipe, self.looked
        engine = recipe.engine.for_files
        scoring = scoring_figures(
            self.figures, looked.base, looked.scores, looked.tasks, recipe.evaluation, engine
        )
        return [
            step
            for seen in [*looked.scores, *looked.on_the_way, *self._promised_on_the_way()]
            for step in evaluate_steps(seen, scoring, sampling_devices(engine), recipe.evaluation)
        ]

    def _promised_on_the_way(self) -> Iterator[ModelSeen]:
        """Those that the missing trainings will leave: each is scored like the checkpoint at their end."""
        last_of_rounds = self.looked.scores[1:]  # none where nothing is scored
        for iteration, last in enumerate(last_of_rounds, start=1):
            round_ = self.looked.training.rounds[iteration - 1]
            if round_.checkpoint.state != "found":
                _, training = self.resolved.settings_of(iteration)
                for step in steps_on_the_way(ceil(self._trained_on(round_).rows.value), training):
                    yield at_step(last, step)

    def _needs(self) -> list[Need]:
        """Of what is still to be done; what is found needs no memory."""
        recipe, looked = self.resolved.recipe, self.looked
        rounds, needs = looked.training.rounds, []
        if self._samples and self._per_query().requests.value:
            speed = self.figures.sampling(self.resolved, looked)
            needs.append(
                need_for_sampling(
                    looked.sizes.shape,
                    recipe.engine.for_files,
                    self.machine,
                    self._per_query().longest,
                    here=self.figures.measures,
                    peak=speed.peak_bytes,
                )
            )
        missing = [one for one in rounds if one.checkpoint.state != "found"]
        if missing:
            known = missing[0].longest
            needs.append(
                need_for_training(
                    looked.sizes,
                    recipe.training,
                    recipe.launch,
                    self.machine,
                    counted(known) if known else self._per_query().longest_row,
                    pairs=self.resolved.objective.eats == "pairs",
                    here=self.figures.measures,
                    peak=self.figures.training(self.resolved, looked).peak_bytes,
                )
            )
        return needs

    def _per_query(self) -> PerQuery:
        return self.figures.per_query(self.resolved, self.looked)

    def _checkpoint_bytes(self) -> Amount:
        sizes = self.looked.sizes
        return counted(
            sizes.adapters * 4 if sizes.adapters else sizes.shape.parameters * sizes.shape.stored_bytes
        )

    def _working_bytes(self) -> Amount:
        """The state from which training continues; the old one goes when the new one is whole."""
        if all(one.checkpoint.state == "found" for one in self.looked.training.rounds):
            return NOTHING
        return counted(2 * STATE_BYTES * self.looked.sizes.trained)


def scoring_figures(
    figures: Figures,
    model: "ModelFiles | Endpoint",
    scores: Sequence[ModelSeen],
    tasks: Sequence[str],
    settings: EvaluationSection,
    engine: EngineSection,
) -> Scoring | None:
    """None where all answers are there: then nothing need be known, and nothing is tried."""
    missing = [task for seen in scores for task in seen.tasks if task.scores.state != "found"]
    asked = {task.task for task in missing if task.generations.state != "found" and not task.opencompass}
    wanted = [task for task in tasks if task in asked]
    return figures.scoring(model, wanted, settings, engine) if missing else None


def evaluate_steps(
    seen: ModelSeen, scoring: Scoring | None, devices: int, settings: EvaluationSection
) -> list[Step]:
    """The engine is opened once for all tasks of a model; the first that needs it pays."""
    steps: list[Step] = []
    opened = False
    for task in seen.tasks:
        if scoring is None or task.scores.state == "found":
            steps.append(
                Step(kind="evaluate", key=task.scores.key, state="found", model=seen.model, task=task.task)
            )
            continue
        step = evaluate_step(
            seen.model, task, scoring.per_answer(task), scoring.speed, devices, settings.judge
        )
        if step.timed and step.load.sampled.value and not opened:
            opened = True
            opening = scoring.speed.opening
            load = replace(
                step.load,
                seconds=step.load.seconds + opening,
                device_seconds=step.load.device_seconds + opening * float(devices),
            )
            step = replace(step, load=load)
        steps.append(step)
    return steps


def longest_answer(seen: ModelSeen, scoring: Scoring | None) -> Amount:
    if scoring is None:
        return NOTHING
    sizes = [(scoring.per_answer(task).read + scoring.per_answer(task).sampled) for task in seen.tasks]
    return max(sizes, key=lambda amount: amount.value)


def memory_notes(needs: Sequence[Need]) -> list[str]:
    """Warnings: parts that nobody is certain of refuse nothing."""
    advice = {
        "sampling": "--set engine.max_batch_tokens=N or --set engine.max_batch=N take less",
        "training": "--set training.micro_batch_size=N or --set training.gradient_checkpointing=true take less",
    }
    return [
        f"Memory for {need.purpose} may not suffice: {advice[need.purpose]}"
        for need in needs
        if not need.fits
    ]


def sampling_devices(engine: EngineSection) -> int:
    """Over which one engine, or all of Ray's (one where their number is left open), spread the work."""
    each = engine.tensor_parallel * engine.data_parallel if engine.generator == "vllm" else 1
    return each * (engine.workers or 1)
