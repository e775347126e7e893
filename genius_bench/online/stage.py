"""The online stage: policy + queries + reward → checkpoint, by a loop of sample → reward → update.

<artifact>/rows/<k − 1>.parquet  the rollouts of step k, on disk before the step's update
<artifact>/trainer_log.json      a line a step: rewards, votes, lengths, entropy, loss, KL, clipped shares, …
<artifact>/model/, fingerprint.json, steps/, steps.json, tensorboard/   as the optimise stage has them
<artifact>.partial/states/       what an interrupted training continues from

The number of a step alone decides its queries, the seeds of its draws and its learning rate.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.loading import ModelFiles, pick_device
from genius_bench.engines.recorded import RECORD
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.collapse import collapse
from genius_bench.online.conditions import queries_a_step
from genius_bench.online_method import OnlineMethod
from genius_bench.printing import note
from genius_bench.progress import progress
from genius_bench.recipe import EngineSection, TrainingSection
from genius_bench.registry import code_digest
from genius_bench.sampling.collecting import visible_part
from genius_bench.seeds import seed_of
from genius_bench.training.batches import BatchPlan
from genius_bench.training.stage import LOG_FILE, WITHOUT_EFFECT, publish_on_the_way

if TYPE_CHECKING:
    from genius_bench.online.learner import Learner, Line
    from genius_bench.sampling.policy import Policy

VERSION = 1


def learn_online(
    store: Store,
    method: OnlineMethod,
    *,
    corpus: Corpus,
    policy: ModelFiles,
    objective: TokenObjective,
    training: TrainingSection,
    engine: EngineSection,
    seed: int,
) -> Artifact:
    """The checkpoint artifact: found, or trained now (continuing an interrupted attempt).

    Labels that the method does not declare as needed are removed from the queries before it sees them. Raises
    `InputError` for a reward that is no finite number, and where training becomes unstable.
    """
    run = OnlineTraining(method, visible_part(corpus, method), policy, objective, training, engine, seed)
    return store.make(run.identity(), run.produce)


@dataclass(frozen=True)
class OnlineTraining:
    """One online training: what it is (`identity`) and how it is done (`produce`)."""

    method: OnlineMethod
    corpus: Corpus
    """As the method may see it."""
    policy: ModelFiles
    objective: TokenObjective
    training: TrainingSection
    engine: EngineSection
    seed: int

    def identity(self) -> Identity:
        """Equal for two trainings exactly when they have the same rollouts and weights as result."""
        return Identity(
            kind="checkpoint",
            version=VERSION,
            parameters={
                "stage": "online",
                "method": self.method.name,
                "code": code_digest(type(self.method)),
                "sampling": self.method.options.model_dump(),
                "objective": {"name": self.objective.name, **self.objective.model_dump()},
                "objective_code": code_digest(type(self.objective)),
                "training": self.training.model_dump(exclude=WITHOUT_EFFECT | {"reference"})
                | {"precision": self._precision},
                "seed": self.seed,
            },
            inputs={
                "policy": served_fingerprint(self.policy, self.engine),
                "corpus": self.corpus.fingerprint,
            },
        )

    @property
    def plan(self) -> BatchPlan:
        """Which queries a step asks: a new order every epoch."""
        return BatchPlan(
            rows=len(self.corpus.queries),
            batch_size=queries_a_step(self.training, self.method.options),
            micro_batch_size=self.training.micro_batch_size,
            processes=1,
            seed=seed_of("online", self.seed) % 2**32,
        )

    @property
    def steps(self) -> int:
        return self.plan.steps_per_epoch * self.training.epochs

    @property
    def _precision(self) -> str:
        from genius_bench.training.policy import compute_precision

        return compute_precision(self.training)

    def produce(self, build: Build) -> None:
        from genius_bench.training.callbacks import quiet
        from genius_bench.training.saved_state import remove_broken_states

        states = build.path / "states"
        # The log is written last: with it there, only cleaning up is left to do.
        if not (build.path / LOG_FILE).exists():
            with quiet():
                remove_broken_states(states)
                self._learn(build, states)
                self._publish(build, states)
        shutil.rmtree(states, ignore_errors=True)

    def _learn(self, build: Build, states: Path) -> None:
        """Until the state of the last step is there."""
        from genius_bench.engines.hf import HFEngine
        from genius_bench.online.learner import Learner
        from genius_bench.online.rollouts import Shelf, draw, give_advantages
        from genius_bench.online.signals import signals
        from genius_bench.sampling.policy import Policy

        learner = Learner(
            self.policy.path,
            self.objective,
            self.training,
            precision=self._precision,
            device=pick_device(self.engine.device),
            steps=self.steps,
            updates=self.method.options.updates,
            has_teacher=self.method.teacher_weight(0.0) is not None,
            held_by=self.method.reference,
        )
        learner.restore(states)
        # The very weights that are trained: what the sampler says of its tokens, the trainer says too.
        policy = Policy(HFEngine(self.policy.path, self.engine, learner.model), self.seed)
        teacher = None
        if learner.teacher is not None:
            teacher = Policy(HFEngine(self.policy.path, self.engine, learner.teacher.model), self.seed)
        queries, plan, shelf = list(self.corpus.queries), self.plan, Shelf(build)
        with ExitStack() as work:
            show = self._curves(build, learner, work)
            advance = work.enter_context(
                progress(f"{self.method.title}: training", self.steps, "steps", done=learner.step)
            )
            for step in range(learner.step + 1, self.steps + 1):
                rollouts = shelf.find(step)
                if rollouts is None:
                    asked = [queries[place] for place in plan.rows_of(step - 1)]
                    with learner.computing():
                        drawn = asyncio.run(draw(self.method, policy, teacher, asked, step))
                    trained = [row for row in drawn if row["number"] < self.method.options.group]
                    give_advantages(
                        drawn, learner.penalties(trained), self.objective, self.method.options.group
                    )
                    rollouts = shelf.keep(step, drawn, _counts(policy, teacher))
                learner.log.append(signals(rollouts) | learner.update(rollouts))
                self._follow(learner)
                self._save(learner, states)
                show(learner.log[-1])
                advance(1)

    def _follow(self, learner: "Learner") -> None:
        if learner.teacher is not None:
            weight = self.method.teacher_weight(learner.step / self.steps)
            assert weight is not None
            learner.teacher.follow(weight)

    def _save(self, learner: "Learner", states: Path) -> None:
        every = self.training.eval_every
        keep = every is not None and learner.step % every == 0
        if keep or learner.step % self.training.checkpoint_every == 0 or learner.step == self.steps:
            learner.save(states, keep=keep)

    def _curves(self, build: Build, learner: "Learner", work: ExitStack) -> "Callable[[Line], None]":
        """Shows a step's line in TensorBoard, where that is wanted."""
        if self.training.report_to == "none":
            return lambda line: None
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(build.path / "tensorboard"), purge_step=learner.step + 1)
        work.callback(writer.close)

        def show(line: "Line") -> None:
            for name, value in line.items():
                writer.add_scalar(f"train/{name}", value, int(line["step"]))

        return show

    def _publish(self, build: Build, states: Path) -> None:
        from genius_bench.online.learner import read_log
        from genius_bench.training.policy import publish, trained_model, weights_per_token
        from genius_bench.training.saved_state import newest_state

        state = newest_state(states)
        assert state is not None
        log = read_log(state)
        model = trained_model(self.policy.path, self.training.lora, self._precision, state)
        tokens = sum(line.get("tokens_trained", 0) for line in log)
        silent = sum(not line["updated"] for line in log)
        build.record(
            parameters=weights_per_token(model),
            steps=len(log),
            steps_silent=silent,
            rows_trained=sum(line.get("rows_trained", 0) for line in log),
            tokens_trained=tokens,
            tokens_referenced=tokens if self.objective.needs_reference else 0,
        )
        if flat := collapse(log):
            note(f"{self.method.title}: collapse marked at step {flat.step} of {len(log)}: {flat.why}")
        if silent:
            note(
                f"{self.method.title}: {silent} of {len(log)} steps had only silent groups, and moved nothing"
            )
        build.write_json(RECORD, {"fingerprint": publish(model, self.policy.path, build.path / "model")})
        publish_on_the_way(self.policy.path, self.training.lora, self._precision, states, build)
        build.write_json(LOG_FILE, log)


def _counts(policy: "Policy", teacher: "Policy | None") -> dict[str, int]:
    """Tokens of both."""
    counts = Counter(policy.take_counts())
    if teacher is not None:
        counts.update(teacher.take_counts())
    return dict(counts)
