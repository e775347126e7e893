"""The online stage: policy + queries + reward → checkpoint, by a loop of sample → reward → update.

<artifact>/rows/<k − 1>.parquet  the rollouts of step k, on disk before the step's update
<artifact>/trainer_log.json      a line a step: rewards, votes, lengths, entropy, loss, KL, clipped shares, …
<artifact>/model/, fingerprint.json, steps/, steps.json, tensorboard/   as the optimise stage has them
<artifact>.partial/states/       what an interrupted training continues from
<artifact>.partial/exchanged/    the newest weights, for an engine beside the trainer
<artifact>.partial/launch/       where launched processes are told what to do, and tell how it goes

Processes train, this one or those of a launcher (`online.process`), until the state of the last step is whole on disk.
The number of a step alone decides its queries, the seeds of its draws and its learning rate.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.loading import ModelFiles
from genius_bench.engines.recorded import RECORD
from genius_bench.errors import GeniusBenchError
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.collapse import collapse
from genius_bench.online.job import OnlineJob
from genius_bench.online_method import OnlineMethod
from genius_bench.printing import note
from genius_bench.recipe import EngineSection, LaunchSection, TrainingSection
from genius_bench.registry import code_digest
from genius_bench.sampling.collecting import visible_part
from genius_bench.sampling.rephrasing import rephrased
from genius_bench.training.stage import LOG_FILE, WITHOUT_EFFECT, publish_on_the_way

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
    launch: LaunchSection | None = None,
    rephrasings: Artifact | None = None,
) -> Artifact:
    """The checkpoint artifact: found, or trained now (continuing an interrupted attempt).

    Labels that the method does not declare as needed are removed from the queries before it sees them. `rephrasings` is
    the collection of its queries in other words, for a method that wants them. Raises `InputError` for a reward that is
    no finite number, and where training becomes unstable.
    """
    visible = visible_part(corpus, method)
    run = OnlineTraining(
        method, visible, policy, objective, training, engine, seed, launch or LaunchSection(), rephrasings
    )
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
    launch: LaunchSection = field(default_factory=LaunchSection)
    rephrasings: Artifact | None = None

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
                **({} if self.engine.name == "hf" else {"engine": self.engine.name}),
            },
            inputs={
                "policy": served_fingerprint(self.policy, self.engine),
                "corpus": self.corpus.fingerprint,
                **({"rephrasings": self.rephrasings.key} if self.rephrasings else {}),
            },
        )

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
                self._learn(build)
                self._publish(build, states)
        for folder in ("states", "launch", "exchanged"):
            shutil.rmtree(build.path / folder, ignore_errors=True)

    def _learn(self, build: Build) -> None:
        """Until the state of the last step is there."""
        from genius_bench.training.conditions import check_launch, described
        from genius_bench.training.launching import launch
        from genius_bench.training.messages import spoken_here
        from genius_bench.training.saved_state import newest_state, step_of

        queries, in_other_words = list(self.corpus.queries), {}
        if self.rephrasings:
            in_other_words = rephrased(queries, self.rephrasings)
            same = sum(in_other_words[one.id].messages == one.messages for one in queries)
            note(
                f"{len(queries)} queries in other words, {same} of them in their own: no whole rephrasing of them"
            )
            build.record(tokens_sampled=self.rephrasings.manifest["counters"]["tokens_sampled"])
        job = OnlineJob(
            method=self.method,
            queries=queries,
            rephrased=in_other_words,
            policy=self.policy,
            objective=self.objective,
            training=self.training,
            engine=self.engine,
            precision=self._precision,
            seed=self.seed,
            folder=build.path,
            state=newest_state(build.path / "states"),
        )
        if job.state is not None and step_of(job.state) == job.steps:
            return
        check_launch(self.launch, build.path)
        note(f"training: {described(self.launch, job.precision)}")
        if self.launch.launcher == "none":
            job.run(build, spoken_here())
        else:
            peaks = launch(job, self.launch)
            build.record(**{f"process_peak_{kind}_bytes": peak for kind, peak in peaks.items()})

    def _publish(self, build: Build, states: Path) -> None:
        from genius_bench.online.learner import read_log
        from genius_bench.online.signals import QUANTILES
        from genius_bench.training.policy import publish, trained_model, weights_per_token
        from genius_bench.training.saved_state import newest_state

        state = newest_state(states)
        if state is None:
            raise GeniusBenchError(f"the training ended without a state of its last step in {states}")
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
        if "mismatch_max" in log[-1]:
            worst = {name: max(line[f"mismatch_{name}"] for line in log) for name in QUANTILES}
            note(
                f"{self.method.title}: |Δ log p| of sampler and trainer, nats a token: median {worst['median']:.2g}, "
                f"99 % within {worst['p99']:.2g}, at most {worst['max']:.2g} (the worst step of each)"
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
