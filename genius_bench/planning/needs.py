"""What memory each part of a recipe needs on a device, beside what there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.planning.amounts import NOTHING, Amount, assumed, at_most
from genius_bench.planning.fitting import sampling_precision, training_precision
from genius_bench.planning.machine import Machine
from genius_bench.planning.memory import (
    Batch,
    Parts,
    Trained,
    hf_cache,
    sampling_weights,
    training_states,
    training_work,
)
from genius_bench.planning.shape import ModelShape, Sizes
from genius_bench.planning.weights import TYPE_BYTES
from genius_bench.recipe import EngineSection, Recipe


@dataclass(frozen=True, kw_only=True)
class Need:
    """Bytes on one device. `peak` was measured by a calibration; `there` is None for hardware that is not this."""

    purpose: str
    parts: Parts
    there: int | None
    processes: int = 1
    """That share what is there."""
    peak: Amount | None = None

    @property
    def total(self) -> Amount:
        return sum(self.parts.values(), NOTHING)

    @property
    def fits(self) -> bool:
        return self.there is None or self.total.value * self.processes <= self.there

    def as_json(self) -> dict[str, Any]:
        return {
            "purpose": self.purpose,
            "parts": {name: part.as_json() for name, part in self.parts.items()},
            "total": self.total.as_json(),
            "peak": self.peak.as_json() if self.peak else None,
            "processes_on_device": self.processes,
            "there": self.there,
        }


def need_for_sampling(
    shape: ModelShape, engine: EngineSection, machine: Machine, longest: Amount, peak: Amount | None
) -> Need:
    """`longest` are the tokens of the longest prompt with its answer."""
    on_cpu, there = machine.runs_on_cpu(engine.device), machine.device_memory(engine.device)
    precision = sampling_precision(shape.stored_type, engine, machine)
    weights = sampling_weights(shape.parameters, precision, engine)
    parts = {"weights": weights}
    if engine.generator == "vllm" and not on_cpu:
        if there:  # it takes its share whole, and what is left of that is cache
            parts["key-value cache"] = assumed(max(0.0, engine.memory_share * there - weights.value))
    elif engine.generator == "vllm":
        cells = max(engine.max_batch_tokens, engine.max_context or shape.context or 0)
        cache = cells * shape.cache_per_token * TYPE_BYTES[precision]
        parts["key-value cache"] = assumed(cache / engine.tensor_parallel)
    else:
        columns = at_most(longest, shape.context)
        rows = max(1.0, min(engine.max_batch, engine.max_batch_tokens / max(1.0, columns.value)))
        batch = Batch(rows=rows, columns=columns)
        parts["key-value cache"] = hf_cache(shape.cache_per_token, precision, batch)
    processes = engine.tensor_parallel * engine.data_parallel if on_cpu else 1
    return Need(purpose="sampling", parts=parts, there=there or None, processes=processes, peak=peak)


def need_for_training(
    sizes: Sizes,
    recipe: Recipe,
    machine: Machine,
    longest: Amount,
    peak: Amount | None,
    *,
    sequences: int,
    beside: int,
) -> Need:
    """`longest` are the tokens of the longest sequence; a micro batch is as wide. A row has so many `sequences`, and so
    many models that are not trained (a reference, a teacher) lie `beside`."""
    training, on_cpu = recipe.training, machine.runs_on_cpu()
    model = Trained(
        parameters=sizes.shape.parameters + sizes.adapters,
        trained=sizes.trained,
        precision=training_precision(training, machine),
    )
    rows = min(training.micro_batch_size, training.batch_size) * sequences
    batch = Batch(rows=rows, columns=at_most(longest, training.max_length))
    logits_at_once = sizes.logits_at_once["cpu" if on_cpu else "cuda"]
    work = training_work(sizes, model, training, batch, logits_at_once)
    states = dict(training_states(model, recipe.launch))
    if beside:
        states["models beside"] = states["weights"] * beside
    return Need(
        purpose="training",
        parts={**states, **work},
        there=machine.device_memory() or None,
        processes=recipe.launch.processes if on_cpu else 1,
        peak=peak,
    )


def memory_notes(needs: Sequence[Need]) -> list[str]:
    """Warnings: parts that nobody is certain of refuse nothing."""
    advice = {
        "sampling": "--set engine.max_batch_tokens=N or --set engine.max_batch=N take less",
        "training": "--set training.micro_batch_size=N or --set training.gradient_checkpointing=true take less",
    }
    return [
        f"Memory for {need.purpose} may not suffice: {advice[need.purpose]}"
        for need in needs
        if not need.fits
    ]
