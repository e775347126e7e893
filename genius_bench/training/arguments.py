"""A recipe's training section in the words of `transformers.TrainingArguments`."""

import os
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import TrainingArguments

from genius_bench.errors import InputError
from genius_bench.offline import is_offline
from genius_bench.recipe import TrainingSection
from genius_bench.seeds import seed_of
from genius_bench.training.batches import BatchPlan
from genius_bench.training.schedule import optimiser_steps
from genius_bench.training.sharding import announce_sharding, sharding_arguments


def micro_batches(training: TrainingSection, processes: int) -> tuple[int, int]:
    """Rows per forward pass and process, and how many such passes a step takes.

    Raises `InputError` for a batch that cannot be cut that way.
    """
    micro = min(training.micro_batch_size, training.batch_size // processes)
    if not micro or training.batch_size % (micro * processes):
        raise InputError(
            f"training.batch_size = {training.batch_size} is not a multiple of training.micro_batch_size × processes "
            f"({training.micro_batch_size} × {processes})"
        )
    return micro, training.batch_size // (micro * processes)


def batch_plan(rows: int, training: TrainingSection, *, processes: int, seed: int) -> BatchPlan:
    """Which rows are trained on in which step."""
    return BatchPlan(
        rows=rows,
        batch_size=training.batch_size,
        micro_batch_size=micro_batches(training, processes)[0],
        processes=processes,
        # Hashed, because the plan adds the epoch: the epochs of neighbouring seeds must not coincide.
        seed=seed_of("shuffle", seed) % 2**32,
    )


def training_arguments(
    training: TrainingSection,
    *,
    states: Path,
    rows: int,
    precision: str,
    seed: int,
    run_name: str,
    processes: int = 1,
    sharding: str = "none",
) -> TrainingArguments:
    """Everything explicit, nothing printed, no data parallelism behind our back (processes come from a launcher).

    Making them joins the processes of a launcher into a group, and tells transformers to load weights in parts where
    they are sharded: they must exist before the policy is loaded. Raises `InputError` for a batch that cannot be cut
    into micro batches, or a reporter that is not installed.
    """
    if training.report_to == "wandb" and find_spec("wandb") is None:
        raise InputError("training.report_to = 'wandb': the package is not installed (pip install wandb)")
    if training.report_to == "wandb" and is_offline():
        os.environ.setdefault("WANDB_MODE", "offline")
    micro, accumulated = micro_batches(training, processes)
    on_device, bf16 = torch.cuda.is_available(), precision == "bfloat16"
    arguments = TrainingArguments(
        output_dir=str(states),
        run_name=run_name,
        learning_rate=training.learning_rate,
        num_train_epochs=training.epochs,
        lr_scheduler_type=training.schedule,
        # Rounded down: a warm-up of one step would only be a first step at learning rate zero.
        warmup_steps=int(training.warmup * optimiser_steps(rows, training)),
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        optim="adamw_torch",
        bf16=bf16,
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if training.gradient_checkpointing else None,
        seed=seed_of("optimise", seed) % 2**32,
        use_cpu=not on_device,
        ddp_backend=None if on_device or processes == 1 else "gloo",
        dataloader_pin_memory=on_device,
        remove_unused_columns=False,
        save_strategy="steps",
        save_steps=training.checkpoint_every,
        eval_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=["wandb"] if training.report_to == "wandb" else [],
        disable_tqdm=True,
        log_level="error",
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulated,
        **sharding_arguments(
            sharding,
            micro_batch_size=micro,
            accumulated=accumulated,
            processes=processes,
            max_grad_norm=training.max_grad_norm,
            bf16=bf16,
        ),
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    announce_sharding(sharding)
    return arguments
