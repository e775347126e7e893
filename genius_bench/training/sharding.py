"""What training processes divide among themselves, in the words of DeepSpeed, FSDP2 and PyTorch."""

import os
from typing import Any

import torch

from genius_bench.errors import GeniusBenchError

ZERO_STAGES = {"zero2": 2, "zero3": 3}
NAMES = {"none": "", "zero2": "ZeRO-2", "zero3": "ZeRO-3", "fsdp2": "FSDP2"}


def sharding_arguments(
    sharding: str,
    *,
    micro_batch_size: int,
    accumulated: int,
    processes: int,
    max_grad_norm: float,
    bf16: bool,
) -> dict[str, Any]:
    """The part of `TrainingArguments` that shards."""
    if sharding == "fsdp2":
        # Only the first process reads the weights; the others get their parts of it.
        wrapping = {
            "version": 2,
            "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "cpu_ram_efficient_loading": True,
        }
        return {"fsdp": True, "fsdp_config": wrapping}
    if sharding not in ZERO_STAGES:
        return {}
    return {
        "deepspeed": {
            "train_micro_batch_size_per_gpu": micro_batch_size,
            "gradient_accumulation_steps": accumulated,
            "train_batch_size": micro_batch_size * accumulated * processes,
            "gradient_clipping": max_grad_norm,
            # The weights that are stepped stay in float32 beside these.
            "bf16": {"enabled": bf16},
            # Gradients of many micro batches are summed: in bfloat16 the sum would lose the small ones.
            "data_types": {"grad_accum_dtype": "fp32"},
            # No "optimizer" here: Trainer's own AdamW needs no compiler, and is the one of every other mode.
            "zero_allow_untested_optimizer": True,
            "zero_optimization": {
                "stage": ZERO_STAGES[sharding],
                "contiguous_gradients": True,
                "overlap_comm": torch.cuda.is_available(),
                "reduce_bucket_size": "auto",
                "stage3_prefetch_bucket_size": "auto",
                "stage3_param_persistence_threshold": "auto",
            },
        }
    }


def announce_sharding(sharding: str) -> None:
    """Tells the libraries before weights are loaded what they would hear too late (or not, on processors)."""
    if sharding in ZERO_STAGES and not torch.cuda.is_available():
        import deepspeed

        # On processors it would first compile collectives of its own, for minutes; gloo's do.
        getattr(deepspeed.ops, "__compatible_ops__", {})["deepspeed_shm_comm"] = False
        deepspeed.init_distributed("gloo", auto_mpi_discovery=False, verbose=False)
    if sharding == "fsdp2":
        os.environ["ACCELERATE_USE_FSDP"] = "true"


def check_wrapper(model: Any, sharding: str, processes: int) -> None:
    """Raises `GeniusBenchError` unless the prepared model really is what was asked for.

    It matters: on processors Trainer takes FSDP arguments and trains plain copies without a word.
    """
    if sharding in ZERO_STAGES:
        from deepspeed import DeepSpeedEngine

        right = (
            isinstance(model, DeepSpeedEngine) and model.zero_optimization_stage() == ZERO_STAGES[sharding]
        )
    elif sharding == "fsdp2":
        from torch.distributed.fsdp import FSDPModule

        right = isinstance(model, FSDPModule)
    else:
        right = processes == 1 or isinstance(model, torch.nn.parallel.DistributedDataParallel)
    if not right:
        raise GeniusBenchError(
            f"{NAMES[sharding] or 'data parallelism'} was asked for and the model is a {type(model).__name__}: "
            "the installed transformers and accelerate do not do it on this device"
        )
