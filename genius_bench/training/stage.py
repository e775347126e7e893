"""The optimise stage: policy + training set + objective → checkpoint.

<artifact>/model/               a plain Hugging Face checkpoint (or a LoRA adapter) with the policy's tokenizer
<artifact>/trainer_log.json     loss, margin, accuracy, learning rate, … of every optimiser step
<artifact>/tensorboard/         the same as TensorBoard events, where asked
<artifact>/rows/                recomputed reference log-probabilities, where asked
<artifact>.partial/states/      what an interrupted training continues from
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.objectives.interface import Objective
from genius_bench.progress import progress
from genius_bench.recipe import TrainingSection
from genius_bench.registry import code_digest
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example, check_references, read_examples

LOG_FILE = "trainer_log.json"
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

    def identity(self) -> Identity:
        """Equal for two trainings exactly when they have the same weights as result."""
        from genius_bench.training.policy import compute_precision

        exclude = WITHOUT_EFFECT | (set() if self.objective.needs_reference else {"reference"})
        settings = self.training.model_dump(exclude=exclude)
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

    @property
    def _recomputes(self) -> bool:
        return self.objective.needs_reference and self.training.reference == "recompute"

    def produce(self, build: Build) -> None:
        from genius_bench.training.callbacks import quiet

        # The log is written last: with it there, only cleaning up is left to do.
        if not (build.path / LOG_FILE).exists():
            with quiet():
                self._train_and_publish(build)
        shutil.rmtree(build.path / "states", ignore_errors=True)

    def _train_and_publish(self, build: Build) -> None:
        from genius_bench.training.policy import publish, vocabulary_of, weights_per_token

        examples = read_examples(
            self.training_set.rows(),
            self.objective,
            max_length=self.training.max_length,
            vocabulary=vocabulary_of(self.policy_path),
        )
        trainer = self._train(build, examples.kept)
        publish(trainer.model, self.policy_path, build.path / "model")
        epochs = self.training.epochs
        build.record(
            parameters=weights_per_token(trainer.model),
            steps=trainer.state.global_step,
            rows_trained=len(examples.kept) * epochs,
            tokens_trained=sum(example.tokens for example in examples.kept) * epochs,
            tokens_referenced=sum(example.tokens for example in examples.kept) if self._recomputes else 0,
            response_tokens_trained=sum(example.response_tokens for example in examples.kept) * epochs,
            **{f"rows_dropped_{reason}": count for reason, count in examples.dropped.items()},
        )
        build.write_json(LOG_FILE, [entry for entry in trainer.state.log_history if "loss" in entry])

    def _train(self, build: Build, examples: list[Example]) -> Any:
        """The trainer after its last step."""
        from transformers import PrinterCallback, set_seed

        from genius_bench.training.arguments import optimiser_steps, training_arguments
        from genius_bench.training.callbacks import StepProgress, tensorboard
        from genius_bench.training.policy import compute_precision, with_adapters
        from genius_bench.training.saved_state import newest_state, remove_broken_states, step_of
        from genius_bench.training.trainer import ObjectiveTrainer

        states = build.path / "states"
        arguments = training_arguments(
            self.training,
            states=states,
            rows=len(examples),
            precision=compute_precision(self.training),
            seed=self.seed,
            run_name=build.path.stem,
        )
        model, examples = self._prepare(build, examples, arguments)
        set_seed(arguments.seed)
        remove_broken_states(states)
        state = newest_state(states)
        done = step_of(state) if state else 0
        steps = optimiser_steps(len(examples), self.training)
        with progress(f"training ({self.objective.name})", steps, "steps", done=done) as advance:
            trainer = ObjectiveTrainer(
                objective=self.objective,
                model=with_adapters(model, self.training.lora),
                args=arguments,
                train_dataset=examples,
                data_collator=Collator(self.training.packing),
                callbacks=[StepProgress(advance)],
            )
            trainer.remove_callback(PrinterCallback)
            if self.training.report_to == "tensorboard":
                trainer.add_callback(tensorboard(build.path / "tensorboard", done))
            trainer.train(resume_from_checkpoint=str(state) if state else None)
        return trainer

    def _prepare(self, build: Build, examples: list[Example], arguments: Any) -> tuple[Any, list[Example]]:
        """The starting policy on its device, and the examples with all reference values the objective needs."""
        from genius_bench.training.packing import check_packing
        from genius_bench.training.policy import compute_precision, load_policy
        from genius_bench.training.reference import recompute_references

        if self.objective.needs_reference and not self._recomputes:
            check_references(examples)
        precision = compute_precision(self.training)
        model = load_policy(self.policy_path, self.training.lora, precision).to(arguments.device)
        if self.training.packing:
            check_packing(model, examples)
        if self._recomputes:
            examples = recompute_references(
                model,
                examples,
                build,
                Collator(self.training.packing),
                micro_batch_size=self.training.micro_batch_size,
                bf16=precision == "bfloat16",
            )
        return model, examples
