"""What every training process does, the only one or one of many: from a policy to the last saved state."""

from contextlib import ExitStack, redirect_stderr
from io import StringIO
from typing import Any

from genius_bench.artifacts import Build
from genius_bench.training.examples import Example
from genius_bench.training.job import Job
from genius_bench.training.messages import Voice


def train(
    job: Job, examples: list[Example], build: Build, voice: Voice, *, processes: int = 1, process: int = 0
) -> None:
    """Trains up to the last step, whose state is then whole on disk.

    Where there are several processes, each calls this with its number. Raises `InputError` where training becomes
    unstable; the last good state stays.
    """
    from transformers import PrinterCallback, set_seed

    from genius_bench.training.arguments import batch_plan, training_arguments
    from genius_bench.training.callbacks import BeforeFirstStep, StateEvery, StepProgress, tensorboard
    from genius_bench.training.collator import Collator
    from genius_bench.training.policy import load_policy, with_adapters
    from genius_bench.training.saved_state import step_of
    from genius_bench.training.trainer import ObjectiveTrainer

    with ExitStack() as work:
        arguments = training_arguments(
            job.training,
            states=job.states,
            rows=len(examples),
            precision=job.precision,
            seed=job.seed,
            run_name=build.path.stem,
            processes=processes,
            sharding=job.sharding,
        )
        set_seed(arguments.seed)
        model = with_adapters(load_policy(job.policy, job.training.lora, job.precision), job.training.lora)
        trainer = ObjectiveTrainer(
            objective=job.objective,
            plan=batch_plan(len(examples), job.training, processes=processes, seed=job.seed),
            sharding=job.sharding,
            examples=examples,
            keep_every=job.training.eval_every,
            model=model,
            args=arguments,
            data_collator=Collator(packing=False),  # until the model is there to be asked
            callbacks=[
                BeforeFirstStep(lambda: _prepare(trainer, job, build, voice)),
                StepProgress(f"training ({job.objective.name})", voice.show, work),
            ],
        )
        if process:  # with adapter dropout, other rows are to see other masks
            set_seed(arguments.seed + process)
        trainer.remove_callback(PrinterCallback)
        if job.training.eval_every:
            trainer.add_callback(StateEvery(job.training.eval_every))
        if job.training.report_to == "tensorboard" and process == 0:
            trainer.add_callback(
                tensorboard(build.path / "tensorboard", step_of(job.state) if job.state else 0)
            )
        if job.training.report_to == "wandb" and process == 0:
            work.push(_finish_wandb)
        trainer.train(resume_from_checkpoint=str(job.state) if job.state else None)


def _finish_wandb(error_type: type[BaseException] | None, *_: Any) -> None:
    """Weights & Biases writes when its run is finished. Left to the end of Python it would lose all of it: a stage's
    process ends without."""
    import wandb  # type: ignore[import-untyped, unused-ignore]

    wandb.finish(exit_code=int(error_type is not None))


def _prepare(trainer: Any, job: Job, build: Build, voice: Voice) -> None:
    """With the model in place: how it reads rows, and what it says of them before it is trained."""
    from genius_bench.training.layout import choose_layout
    from genius_bench.training.reference import recompute_references

    with redirect_stderr(StringIO()) as lines:  # a launched process's own is not the user's
        trainer.data_collator = choose_layout(
            trainer.model_wrapped, trainer.examples, job.training, job.precision
        )
    for line in lines.getvalue().splitlines():
        voice.say(line)
    if job.recomputes:
        trainer.examples = recompute_references(
            trainer.model_wrapped,
            trainer.examples,
            build,
            trainer.data_collator,
            trainer.accelerator,
            micro_batch_size=job.training.micro_batch_size,
            resumed=job.state is not None,
            show=voice.show,
        )
