"""What memory each part of a recipe needs on a device, beside what there is."""

from dataclasses import dataclass
from typing import Any

from genius_bench.planning.amounts import Amount, assumed
from genius_bench.planning.fitting import sampling_precision, training_precision
from genius_bench.planning.looking import Sizes
from genius_bench.planning.machine import Machine
from genius_bench.planning.memory import (
    Architecture,
    Batch,
    Parts,
    Trained,
    hf_cache,
    sampling_weights,
    sum_of,
    training_states,
    training_work,
)
from genius_bench.planning.shape import ModelShape
from genius_bench.planning.weights import TYPE_BYTES
from genius_bench.recipe import EngineSection, LaunchSection, TrainingSection


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
        return sum_of(self.parts)

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
    shape: ModelShape,
    engine: EngineSection,
    machine: Machine,
    longest: Amount,
    *,
    here: bool,
    peak: Amount | None = None,
) -> Need:
    precision = sampling_precision(shape.stored_type, engine, machine)
    weights = sampling_weights(shape.parameters, precision, engine)
    there = machine.device_memory(engine.device) if here else None
    parts = {"weights": weights}
    if engine.generator == "vllm" and not machine.runs_on_cpu(engine.device):
        if there is not None:  # it takes its share whole, and what is left of that is cache
            parts["key-value cache"] = assumed(max(0.0, engine.memory_share * there - weights.value))
    elif engine.generator == "vllm":
        cells = max(engine.max_batch_tokens, engine.max_context or shape.context or 0)
        cache = cells * shape.cache_per_token * TYPE_BYTES[precision]
        parts["key-value cache"] = assumed(cache / engine.tensor_parallel)
    else:
        columns = Amount(min(longest.value, shape.context or longest.value), longest.source)
        rows = max(1.0, min(engine.max_batch, engine.max_batch_tokens / max(1.0, columns.value)))
        parts["key-value cache"] = hf_cache(
            shape.cache_per_token, precision, Batch(rows=rows, columns=columns)
        )
    on_cpu = machine.runs_on_cpu(engine.device)
    processes = engine.tensor_parallel * engine.data_parallel if on_cpu else 1
    return Need(purpose="sampling", parts=parts, there=there, processes=processes, peak=peak)


def need_for_training(
    sizes: Sizes,
    training: TrainingSection,
    launch: LaunchSection,
    machine: Machine,
    longest: Amount,
    *,
    pairs: bool,
    here: bool,
    peak: Amount | None = None,
) -> Need:
    """`longest` are the tokens of the longest sequence; a micro batch is as wide."""
    shape, on_cpu = sizes.shape, machine.runs_on_cpu()
    model = Trained(
        parameters=shape.parameters + sizes.adapters,
        trained=sizes.trained,
        precision=training_precision(training, machine),
    )
    micro = min(training.micro_batch_size, training.batch_size)
    columns = Amount(min(longest.value, training.max_length), longest.source)
    architecture = Architecture(
        layers=shape.layers,
        hidden=shape.hidden,
        vocabulary=shape.vocabulary,
        activations=sizes.activations,
    )
    work = training_work(
        architecture,
        model,
        training,
        Batch(rows=micro * (2 if pairs else 1), columns=columns),
        sizes.logits_at_once["cpu" if on_cpu else "cuda"],
    )
    return Need(
        purpose="training",
        parts={**training_states(model, launch), **work},
        there=machine.device_memory() if here else None,
        processes=launch.processes if on_cpu else 1,
        peak=peak,
    )
