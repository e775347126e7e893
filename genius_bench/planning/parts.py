"""The parts of a plan: what is found costs nothing, the rest takes what the figures say."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from genius_bench.online_method import OnlineMethod
from genius_bench.planning.amounts import NOTHING, Amount, assumed, counted
from genius_bench.planning.averages import Sampling
from genius_bench.planning.figures import Figures
from genius_bench.planning.fitting import STATE_BYTES
from genius_bench.planning.ledger import Seen
from genius_bench.planning.looking import Looked
from genius_bench.planning.machine import Machine
from genius_bench.planning.needs import Need, memory_notes, need_for_sampling, need_for_training
from genius_bench.planning.plan import Part
from genius_bench.planning.scoring import sampling_devices, scoring_steps
from genius_bench.planning.steps import Load, Speed, Step
from genius_bench.planning.survey import RoundSeen, TrainingRows
from genius_bench.planning.survey_scores import ModelSeen
from genius_bench.resolution import Resolved
from genius_bench.training.schedule import optimiser_steps, steps_on_the_way

FORWARD_SHARE = 1 / 3
"""Reading a token for reference log-probabilities, in multiples of training on it: one pass of three."""
LATER_ROUNDS = "Rounds after the first are planned with the numbers of the base model"
POOLED = (
    "Responses that an earlier run has drawn with equal settings are reused: the plan does not count on it"
)
NO_ROWS = "No training row came of the calibration's queries: nobody knows how long training takes"
ROUGH = "A calibration ran into its limit of time, and saw the shorter answers only: its numbers are rough, and low"


@dataclass(frozen=True)
class PartOfRecipe:
    """Puts it together from what was looked at and from figures, which are asked only for what is not found."""

    machine: Machine
    figures: Figures
    resolved: Resolved
    looked: Looked

    @cached_property
    def part(self) -> Part:
        recipe, training = self.resolved.recipe, self.looked.training
        variant = "" if recipe.variant == "paper" else f" ({recipe.variant})"
        rounds = f", {len(training.rounds)} rounds" if len(training.rounds) > 1 else ""
        return Part(
            title=f"train {recipe.method}{variant} from {recipe.model}",
            subject=f"{training.corpus.queries.value:,.0f} queries of {training.corpus.name}{rounds}",
            steps=[*self._training_steps(), *self._scoring_steps()],
            needs=[*self._needs()],
            working_bytes=self._working_bytes(),
        )

    def notes(self) -> list[str]:
        notes = memory_notes(self.part.needs)
        if len(self.looked.training.rounds) > 1:
            notes.append(LATER_ROUNDS)
        if any(step.kind == "optimise" and not step.timed for step in self.part.steps):
            notes.append(NO_ROWS)
        if self._samples and not self._sampling.speed.complete:
            notes.append(ROUGH)
        if (self.figures.home / "pools" / self.looked.served_base).exists():
            notes.append(POOLED)
        return notes

    @property
    def _online(self) -> OnlineMethod | None:
        """The method, if it is one that trains on what it draws at every step."""
        return self.resolved.method if isinstance(self.resolved.method, OnlineMethod) else None

    @property
    def _samples(self) -> bool:
        return not all(one.collection.found for one in self.looked.training.rounds)

    @cached_property
    def _sampling(self) -> Sampling:
        return self.figures.sampling(self.resolved, self.looked)

    @cached_property
    def _training(self) -> Speed:
        return self.figures.training(self.resolved, self.looked)

    def _training_steps(self) -> Iterator[Step]:
        for iteration, round_ in enumerate(self.looked.training.rounds, start=1):
            yield self._sample_step(iteration, round_.collection)
            yield self._optimise_step(iteration, round_)

    def _sample_step(self, iteration: int, seen: Seen) -> Step:
        """All queries of an iteration through the method, less those that an interrupted attempt has left."""
        step = Step(kind="sample", key=seen.key, state=seen.state, iteration=iteration)
        if seen.found:
            return step
        queries = self.looked.training.corpus.queries
        left, devices = queries * seen.left_of(queries.value), sampling_devices(self.resolved.recipe.engine)
        if self._online:  # which asks anew in every epoch, in every process that trains
            training, rows = self.resolved.recipe.training, self._rows(self.looked.training.rounds[0]).rows
            left = queries * (training.epochs * seen.left_of(optimiser_steps(ceil(rows.value), training)))
            devices = self._processes
        load = self._sampling.load * left
        return step.taking(load, load.sampled + load.judged, self._sampling.speed, devices)

    def _optimise_step(self, iteration: int, round_: RoundSeen) -> Step:
        """All epochs, less the steps of a saved state; stored are the checkpoint and those on the way.

        Where reference log-probabilities are recomputed, all rows are read once before.
        """
        seen = round_.checkpoint
        step = Step(kind="optimise", key=seen.key, state=seen.state, iteration=iteration)
        if seen.found:
            return step
        objective, training = self.resolved.settings_of(iteration)
        trained_on = self._rows(round_)
        rows = ceil(trained_on.rows.value)
        trained = trained_on.tokens * (training.epochs * seen.left_of(optimiser_steps(rows, training)))
        recomputes = objective.needs_reference and training.reference == "recompute"
        read = trained_on.tokens if recomputes and not seen.done else NOTHING
        if self._online and objective.needs_reference:
            read = trained  # at every step, which is within what a calibration has timed
        stored = self._checkpoint_bytes() * (1 + len(steps_on_the_way(rows, training)))
        timed = self._online and self.figures.throughput is None
        tokens = trained if timed else trained + read * assumed(FORWARD_SHARE)
        return step.taking(
            Load(read=read, trained=trained, stored=stored), tokens, self._training, self._processes
        )

    @property
    def _processes(self) -> int:
        """That train; of an online method they draw as well."""
        launch = self.resolved.recipe.launch
        return launch.processes * max(1, len(launch.machines))

    def _rows(self, round_: RoundSeen) -> TrainingRows:
        """Those of the training set that is there, or what a query gives on average."""
        if round_.rows is not None:
            return round_.rows
        queries, rows = self.looked.training.corpus.queries, self._sampling.rows
        # Steps of online training are counted by whole groups, whatever of them is trained on.
        number = counted(self._online.work.trained) if self._online else rows.rows
        return TrainingRows(rows=number * queries, tokens=rows.tokens * queries, longest=rows.longest)

    def _scoring_steps(self) -> list[Step]:
        recipe, looked = self.resolved.recipe, self.looked
        engine = recipe.engine.for_files
        scoring = self.figures.scoring(looked.base, looked.scores, recipe.evaluation, engine)
        return [
            step
            for seen in [*looked.scores, *looked.on_the_way, *self._promised_on_the_way()]
            for step in scoring_steps(seen, scoring, sampling_devices(engine), recipe.evaluation.judge)
        ]

    def _promised_on_the_way(self) -> Iterator[ModelSeen]:
        """Those that the missing trainings will leave: each is scored like the checkpoint at their end."""
        last_of_rounds = self.looked.scores[1:]  # none where nothing is scored
        for iteration, last in enumerate(last_of_rounds, start=1):
            round_ = self.looked.training.rounds[iteration - 1]
            if not round_.checkpoint.found:
                _, training = self.resolved.settings_of(iteration)
                for step in steps_on_the_way(ceil(self._rows(round_).rows.value), training):
                    yield last.at_step(step)

    def _needs(self) -> Iterator[Need]:
        """Of what is still to be done; what is found needs no memory."""
        recipe, sizes = self.resolved.recipe, self.looked.sizes
        if self._samples and self._sampling.load.requests.value:
            engine, peak = recipe.engine.for_files, self._sampling.speed.peak_bytes
            yield need_for_sampling(sizes.shape, engine, self.machine, self._sampling.longest, peak)
        for round_ in self._untrained[:1]:
            longest, peak = self._rows(round_).longest, self._training.peak_bytes
            at_once, beside = 1, 0
            if self._online:
                has_teacher = self._online.teacher_weight(0.0) is not None
                beside = self.resolved.objective.needs_reference + has_teacher
            elif self.resolved.objective.eats == "pairs":
                at_once = 2
            yield need_for_training(
                sizes, recipe, self.machine, longest, peak, sequences=at_once, beside=beside
            )

    @property
    def _untrained(self) -> list[RoundSeen]:
        return [one for one in self.looked.training.rounds if not one.checkpoint.found]

    def _checkpoint_bytes(self) -> Amount:
        sizes = self.looked.sizes
        return counted(sizes.adapters * 4 or sizes.shape.parameters * sizes.shape.stored_bytes)

    def _working_bytes(self) -> Amount:
        """The state from which training continues; the old one goes when the new one is whole."""
        return counted(2 * STATE_BYTES * self.looked.sizes.trained) if self._untrained else NOTHING
