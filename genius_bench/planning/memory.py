"""Bytes on a device, part by part. What is counted is certain to be needed; the rest depends on lengths and kernels."""

from collections.abc import Mapping
from dataclasses import dataclass

from genius_bench.planning.amounts import Amount, Source, assumed, counted
from genius_bench.planning.shape import Sizes
from genius_bench.planning.weights import TYPE_BYTES
from genius_bench.recipe import EngineSection, LaunchSection, TrainingSection

FLOAT32 = 4
ADAM_AVERAGES = 2
FEWEST_COLUMNS = 64
SPARE = 2
"""The hf engine's cache has twice the columns that are needed (`engines.cache`), so that appending copies nothing."""
BFLOAT16_SHARE = 0.7
"""Of float32's activations under mixed precision, where norms and residual sums stay in float32."""

Parts = Mapping[str, Amount]
"""What memory is for → bytes."""


def certain(parts: Parts) -> float:
    """The bytes that are needed whatever the lengths."""
    return sum(part.value for part in parts.values() if part.source is Source.COUNTED)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is in memory at a time: `rows` sequences of `columns` tokens."""

    rows: float
    columns: Amount


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the optimise stage holds: all weights, and how many of them are trained (fewer under LoRA)."""

    parameters: float
    trained: float
    precision: str
    """`float32` or `bfloat16`: what matrix products run in, and what frozen weights are held in."""


def sampling_weights(parameters: float, precision: str, engine: EngineSection) -> Amount:
    """Of one device. vLLM may divide them."""
    share = engine.tensor_parallel if engine.generator == "vllm" else 1
    return counted(parameters * TYPE_BYTES[precision] / share)


def hf_cache(cache_per_token: int, precision: str, batch: Batch) -> Amount:
    """The key-value cache that the hf engine holds for a batch."""
    columns = max(FEWEST_COLUMNS, SPARE * batch.columns.value)
    return Amount(
        batch.rows * columns * cache_per_token * TYPE_BYTES[precision],
        max(batch.columns.source, Source.MEASURED, key=lambda source: source.rank),
    )


def training_states(model: Trained, launch: LaunchSection) -> Parts:
    """Weights, gradients and AdamW's averages of one process (`training.sharding` says who holds what).

    Weights that are trained are float32, beside the copies in `precision` that DeepSpeed computes with.
    """
    processes = launch.processes * max(1, len(launch.machines))
    share = 1 if launch.sharding == "none" else processes
    frozen = (model.parameters - model.trained) * TYPE_BYTES[model.precision]
    weights = model.trained * FLOAT32 / share
    if launch.sharding in ("zero2", "zero3"):
        weights += model.trained * TYPE_BYTES[model.precision] / (share if launch.sharding == "zero3" else 1)
    weights += frozen / (share if launch.sharding in ("zero3", "fsdp2") else 1)
    return {
        "weights": counted(weights),
        "gradients": counted(model.trained * FLOAT32 / share),
        "optimiser states": counted(ADAM_AVERAGES * model.trained * FLOAT32 / share),
    }


def training_work(
    sizes: Sizes, model: Trained, training: TrainingSection, batch: Batch, logits_at_once: int
) -> Parts:
    """What comes and goes with every micro batch."""
    bytes_each = FLOAT32 * (BFLOAT16_SHARE if model.precision == "bfloat16" else 1.0)
    tokens, shape = batch.rows * batch.columns.value, sizes.shape
    if training.gradient_checkpointing:  # every layer's input, and one layer's own
        kept = shape.layers * shape.hidden + sizes.activations / shape.layers
    else:
        kept = sizes.activations
    logits = min(tokens * shape.vocabulary, max(logits_at_once, shape.vocabulary))
    return {
        "activations": assumed(tokens * kept * bytes_each),
        "logits": assumed(2 * logits * FLOAT32),  # and what their softmax is computed in
    }
