"""The optimise stage: policy + training set + objective → checkpoint.

<artifact>/model/               a plain Hugging Face checkpoint (or a LoRA adapter) with the policy's tokenizer
<artifact>/trainer_log.json     loss, margin, accuracy, learning rate, … of every optimiser step
<artifact>/fingerprint.json     of the checkpoint, as it was read back
<artifact>/steps/<step>/model/  checkpoints on the way, where asked
<artifact>/steps.json           the fingerprint of each of them
<artifact>/tensorboard/         the same as TensorBoard events, where asked
<artifact>/rows/                recomputed reference log-probabilities, where asked
<artifact>.partial/states/      what an interrupted training continues from
<artifact>.partial/launch/      where launched processes are told what to do, and tell how it goes

Processes train, this one or those of a launcher, until the state of the last step is whole on disk. The checkpoint is
then made of that state by one process, so that it does not matter how many there were.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.engines.recorded import RECORD, RECORD_ON_THE_WAY
from genius_bench.errors import GeniusBenchError
from genius_bench.objectives.interface import Objective
from genius_bench.printing import counted, note
from genius_bench.recipe import LaunchSection, LoraSection, TrainingSection
from genius_bench.registry import code_digest
from genius_bench.training.examples import Examples, check_references
from genius_bench.training.job import Job
from genius_bench.training.schedule import optimiser_steps

LOG_FILE = "trainer_log.json"
FEW_STEPS = 3
"""After so few a model says what it said before."""
WITHOUT_EFFECT = {"report_to", "checkpoint_every"}
"""Training settings that leave the weights as they are. The micro batch is not among them: it changes the order of
floating-point sums."""


def optimise(
    store: Store,
    *,
    policy_path: Path,
    policy_fingerprint: str,
    training_set: Artifact,
    objective: Objective,
    training: TrainingSection,
    seed: int,
    launch: LaunchSection | None = None,
) -> Artifact:
    """The checkpoint artifact: found, or trained now (continuing an interrupted attempt).

    `training_set` holds `PreferencePair` or `Demonstration` rows. Raises `InputError` for rows that cannot be used
    and settings under which training becomes unstable; both leave the last good state in place.
    """
    optimisation = Optimisation(
        policy_path=policy_path,
        policy_fingerprint=policy_fingerprint,
        training_set=training_set,
        objective=objective,
        training=training,
        seed=seed,
        launch=launch or LaunchSection(),
    )
    return store.make(optimisation.identity(), optimisation.produce)


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """One training: what it is (`identity`) and how it is done (`produce`)."""

    policy_path: Path
    policy_fingerprint: str
    training_set: Artifact
    objective: Objective
    training: TrainingSection
    seed: int
    launch: LaunchSection = field(default_factory=LaunchSection)

    def identity(self) -> Identity:
        """Equal for two trainings exactly when they have the same weights as result."""
        from genius_bench.training.policy import compute_precision

        exclude = WITHOUT_EFFECT | (set() if self.objective.needs_reference else {"reference"})
        settings = self.training.model_dump(exclude=exclude)
        if (
            self.training.eval_every is None
        ):  # nothing else is in the artifact than before there was such a setting
            del settings["eval_every"]
        return Identity(
            kind="checkpoint",
            version=1,
            parameters={
                "objective": {"name": self.objective.name, **self.objective.model_dump()},
                "objective_code": code_digest(type(self.objective)),
                "training": settings | {"precision": compute_precision(self.training)},
                "seed": self.seed,
            },
            inputs={"policy": self.policy_fingerprint, "training_set": self.training_set.key},
        )

    def produce(self, build: Build) -> None:
        from genius_bench.training.callbacks import quiet

        # The log is written last: with it there, only cleaning up is left to do.
        if not (build.path / LOG_FILE).exists():
            with quiet():
                self._train_and_publish(build)
        for folder in ("states", "launch"):
            shutil.rmtree(build.path / folder, ignore_errors=True)

    def _train_and_publish(self, build: Build) -> None:
        from genius_bench.training.saved_state import newest_state, remove_broken_states, step_of

        remove_broken_states(build.path / "states")
        job = self._job(build)
        examples = job.examples()
        if self.objective.needs_reference and not job.recomputes:
            check_references(examples.kept)
        steps = optimiser_steps(len(examples.kept), self.training)
        if steps <= FEW_STEPS:
            note(
                f"{counted(steps, 'optimiser step')} in all: {counted(len(examples.kept), 'row')} in batches of "
                f"{self.training.batch_size}; a smaller training.batch_size makes more"
            )
        if job.state is None or step_of(job.state) < steps:
            self._train(job, examples, build)
        last = newest_state(job.states)
        if last is None or step_of(last) < steps:
            raise GeniusBenchError(f"the training ended without a state of its last step in {job.states}")
        self._publish(job, examples, last, build)

    def _job(self, build: Build) -> Job:
        from genius_bench.training.policy import compute_precision
        from genius_bench.training.saved_state import newest_state

        return Job(
            policy=self.policy_path,
            rows=self.training_set.path,
            objective=self.objective,
            training=self.training,
            precision=compute_precision(self.training),
            seed=self.seed,
            sharding=self.launch.sharding,
            folder=build.path,
            state=newest_state(build.path / "states"),
        )

    def _train(self, job: Job, examples: Examples, build: Build) -> None:
        """Until the state of the last step is there."""
        from genius_bench.training.conditions import check_launch, described
        from genius_bench.training.launching import launch
        from genius_bench.training.messages import spoken_here
        from genius_bench.training.process import train

        check_launch(self.launch, build.path)
        note(f"training: {described(self.launch, job.precision)}")
        if self.launch.launcher == "none":
            train(job, examples.kept, build, spoken_here())
        else:
            peaks = launch(job, self.launch)
            build.record(**{f"process_peak_{kind}_bytes": peak for kind, peak in peaks.items()})

    def _publish(self, job: Job, examples: Examples, state: Path, build: Build) -> None:
        from genius_bench.training.policy import publish, trained_model, weights_per_token

        model = trained_model(self.policy_path, self.training.lora, job.precision, state)
        build.record(parameters=weights_per_token(model))
        fingerprint = publish(model, self.policy_path, build.path / "model")
        publish_on_the_way(self.policy_path, self.training.lora, job.precision, job.states, build)
        build.write_json(RECORD, {"fingerprint": fingerprint})
        trainer_state = json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))
        epochs = self.training.epochs
        build.record(
            steps=trainer_state["global_step"],
            rows_trained=len(examples.kept) * epochs,
            tokens_trained=sum(example.tokens for example in examples.kept) * epochs,
            tokens_referenced=sum(example.tokens for example in examples.kept) if job.recomputes else 0,
            response_tokens_trained=sum(example.response_tokens for example in examples.kept) * epochs,
            **{f"rows_dropped_{reason}": count for reason, count in examples.dropped.items()},
        )
        build.write_json(LOG_FILE, [entry for entry in trainer_state["log_history"] if "loss" in entry])


def publish_on_the_way(policy: Path, lora: LoraSection, precision: str, states: Path, build: Build) -> None:
    """The checkpoints that were kept in `states`; at the last step there is the checkpoint itself."""
    from genius_bench.training.policy import publish, trained_model
    from genius_bench.training.saved_state import kept_weights, newest_state, step_of

    last = newest_state(states)
    fingerprints: dict[str, str] = {}
    for weights in kept_weights(states):
        if last is not None and (step := step_of(weights)) < step_of(last):
            model = trained_model(policy, lora, precision, weights)
            folder = build.path / "steps" / str(step) / "model"
            fingerprints[str(step)] = publish(model, policy, folder)
    if fingerprints:
        build.write_json(RECORD_ON_THE_WAY, fingerprints)


def checkpoints_on_the_way(artifact: Path) -> dict[int, tuple[Path, str]]:
    """Optimiser step → folder and fingerprint of the checkpoints that were kept of a training, first to last."""
    made = Artifact("checkpoint", artifact.name, artifact)
    found: dict[str, str] = made.json(RECORD_ON_THE_WAY) if made.has(RECORD_ON_THE_WAY) else {}
    return {
        int(step): (artifact / "steps" / step / "model", fingerprint) for step, fingerprint in found.items()
    }
