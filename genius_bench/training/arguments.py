"""A recipe's training section in the words of `transformers.TrainingArguments`."""

import os
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from genius_bench.errors import InputError
from genius_bench.offline import is_offline
from genius_bench.recipe import TrainingSection
from genius_bench.seeds import seed_of


def optimiser_steps(rows: int, training: TrainingSection) -> int:
    """Steps of the whole training; the last one of an epoch may hold fewer rows."""
    return ceil(rows / training.batch_size) * training.epochs


def training_arguments(
    training: TrainingSection, *, states: Path, rows: int, precision: str, seed: int, run_name: str
) -> TrainingArguments:
    """Everything explicit, nothing printed, no data parallelism behind our back (processes come from a launcher).

    Raises `InputError` for a batch that cannot be cut into micro batches, or a reporter that is not installed.
    """
    if training.report_to == "wandb" and find_spec("wandb") is None:
        raise InputError("training.report_to = 'wandb': the package is not installed (pip install wandb)")
    if training.report_to == "wandb" and is_offline():
        os.environ.setdefault("WANDB_MODE", "offline")
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
        bf16=precision == "bfloat16",
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if training.gradient_checkpointing else None,
        # Hashed, because the sampler adds the epoch: the epochs of neighbouring seeds must not coincide.
        seed=seed_of("optimise", seed) % 2**32,
        data_seed=seed_of("shuffle", seed) % 2**32,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
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
        **_micro_batches(training, processes=1),
    )
    if arguments.world_size > 1:
        for name, value in _micro_batches(training, processes=arguments.world_size).items():
            setattr(arguments, name, value)
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


def _micro_batches(training: TrainingSection, processes: int) -> dict[str, Any]:
    micro = min(training.micro_batch_size, training.batch_size // processes)
    if not micro or training.batch_size % (micro * processes):
        raise InputError(
            f"training.batch_size = {training.batch_size} is not a multiple of training.micro_batch_size × processes "
            f"({training.micro_batch_size} × {processes})"
        )
    accumulated = training.batch_size // (micro * processes)
    return {"per_device_train_batch_size": micro, "gradient_accumulation_steps": accumulated}
