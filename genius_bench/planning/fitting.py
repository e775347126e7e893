"""What certainly cannot fit is refused before anything starts, with the settings under which it would."""

from contextlib import suppress
from math import ceil
from pathlib import Path

from pydantic import ValidationError

from genius_bench.engines.endpoint import is_url
from genius_bench.engines.installed import check_installed
from genius_bench.engines.loading import locate
from genius_bench.engines.ray_cluster import cluster_is_elsewhere
from genius_bench.errors import InputError
from genius_bench.planning.machine import Machine, free_on_disk, this_machine
from genius_bench.planning.memory import FLOAT32, Trained, certain, sampling_weights, training_states
from genius_bench.planning.shape import shape_of
from genius_bench.planning.weights import TYPE_BYTES, Weights, own_folder, weights_in
from genius_bench.processes import in_own_process
from genius_bench.recipe import NOT_WHAT, EngineSection, LaunchSection, Recipe, TrainingSection
from genius_bench.runs import read_runs

STATE_BYTES = 3 * FLOAT32
"""Per trained weight: a saved state holds it and AdamW's two averages (`training.saved_state`)."""


def refuse_training(home: Path, recipe: Recipe) -> None:
    """Raises `InputError` where the recipe cannot fit this machine, unless all of it has been run already.

    It counts what is certain: weights, gradients, optimiser states, and the files of checkpoints. Reads headers of
    files only, so that it comes before weights are hashed or fetched.
    """
    try:
        check_installed(recipe.engine)
    except InputError:
        if not _has_been_run(home, recipe):
            raise
    weights = weights_of(recipe.model)
    if weights is None:
        return
    machine = this_machine()
    problems = [
        sampling_problem(recipe.model, weights, recipe.engine.for_files, machine),
        training_problem(recipe.model, weights, recipe.training, recipe.launch, machine),
        disk_problem(home, weights, recipe.training),
    ]
    found = next((problem for problem in problems if problem), None)
    if found and not _has_been_run(home, recipe):
        raise InputError(found)


def refuse_sampling(model: str, engine: EngineSection) -> None:
    """Raises `InputError` where a model that is only asked cannot fit this machine."""
    check_installed(engine)
    weights = None if is_url(model) else weights_of(model)
    if weights is None:
        return
    if problem := sampling_problem(model, weights, engine, this_machine()):
        raise InputError(problem)


def weights_of(name: str) -> Weights | None:
    """From the headers of the files, or counted from the configuration; None where neither can be read.

    What is wrong with such a model is told by whoever loads it.
    """
    folder = own_folder(locate(name, weights=False))
    if weights := weights_in(folder):
        return weights
    try:
        shape = in_own_process(shape_of, name)
    except InputError:
        return None
    return Weights(shape.parameters, shape.stored_type)


def sampling_problem(name: str, weights: Weights, engine: EngineSection, machine: Machine) -> str | None:
    """None as well for engines on other machines, of whose memory nothing is known here."""
    if engine.generator not in ("hf", "vllm") or (engine.spread and cluster_is_elsewhere()):
        return None
    there, on_cpu = machine.device_memory(engine.device), machine.runs_on_cpu(engine.device)
    devices = engine.tensor_parallel * engine.data_parallel
    if not on_cpu and devices > machine.devices:
        return (
            f"sampling with {name} cannot fit: engine.tensor_parallel × engine.data_parallel take {devices} devices, "
            f"and this machine has {machine.devices}"
        )
    precision = sampling_precision(weights.stored_type, engine, machine)
    copies = engine.copies * (engine.workers or 1) if on_cpu else 1
    need = sampling_weights(weights.parameters, precision, engine).value
    if on_cpu:  # all parts and copies share the main memory
        need *= engine.tensor_parallel * copies
    if need <= there:
        return None
    advice = []
    if copies > 1 and need / copies <= there:
        advice.append("fewer copies of it (engine.workers, engine.data_parallel)")
    if precision == "float32" and need / 2 <= there:
        advice.append("--set engine.precision=bfloat16")
    devices = ceil(need * engine.tensor_parallel / there)
    if not on_cpu:
        advice.append(
            f"--engine vllm --set engine.tensor_parallel={devices}{_more_than_here(devices, machine)}"
        )
    each = f", {copies} copies" if copies > 1 else ""
    return (
        f"sampling with {name} cannot fit: its {_billions(weights.parameters)} weights take {gib(need)} "
        f"({precision}{each}), and {_place(machine, engine.device)} has {gib(there)}{_listed(advice)}"
    )


def training_problem(
    name: str, weights: Weights, training: TrainingSection, launch: LaunchSection, machine: Machine
) -> str | None:
    there = machine.device_memory()
    shared = launch.processes if machine.runs_on_cpu() else 1
    need = _training_bytes(weights, training, launch, machine) * shared
    if need <= there:
        return None
    what = "weights" if training.lora.rank else "weights, gradients and optimiser states"
    where = f"in its {shared} processes" if shared > 1 else "in each process" if launch.processes > 1 else ""
    return (
        f"training {name} cannot fit: {what} take {gib(need)} {where}".rstrip()
        + f" ({_billions(weights.parameters)} weights), and {_place(machine)} has {gib(there)}"
        + _listed(_training_advice(weights, training, launch, machine))
    )


def _training_bytes(
    weights: Weights, training: TrainingSection, launch: LaunchSection, machine: Machine
) -> float:
    """Of one process; adapters are left out, since all their settings together come to little."""
    trained = 0 if training.lora.rank else weights.parameters
    precision = training_precision(training, machine)
    model = Trained(parameters=weights.parameters, trained=trained, precision=precision)
    return certain(training_states(model, launch))


def _training_advice(
    weights: Weights, training: TrainingSection, launch: LaunchSection, machine: Machine
) -> list[str]:
    """Settings under which what is certain would fit."""
    there = machine.device_memory()
    advice = []
    lora = training.model_copy(update={"lora": training.lora.model_copy(update={"rank": 16})})
    if not training.lora.rank and _training_bytes(weights, lora, launch, machine) <= there:
        advice.append("--set training.lora.rank=16")
    alone = LaunchSection(launcher="torchrun", sharding="zero3")
    devices = max(2, ceil(_training_bytes(weights, training, alone, machine) / there))
    if machine.runs_on_cpu():
        advice.append(f"--launcher torchrun --sharding zero3 over {devices} machines like this one")
    else:
        more = _more_than_here(devices, machine)
        advice.append(f"--launcher torchrun --sharding zero3 --processes {devices}{more}")
    return advice


def disk_problem(home: Path, weights: Weights, training: TrainingSection) -> str | None:
    """A state and a checkpoint lie on disk at a time; an interrupted training may have written its own already."""
    each = 0 if training.lora.rank else TYPE_BYTES[weights.stored_type] + STATE_BYTES
    need = each * weights.parameters
    free = free_on_disk(home)
    if need <= free or list(home.glob("artifacts/checkpoint/*.partial")):
        return None
    return (
        f"cannot write to {home}: no space left for what this recipe stores: a checkpoint and the state from which "
        f"training continues take {gib(need)}, and {gib(free)} are free. Free space or choose another --home, or "
        "train fewer weights (--set training.lora.rank=16)"
    )


def sampling_precision(stored_type: str, engine: EngineSection, machine: Machine) -> str:
    """What weights are held in for sampling, as `engines.exporting.precision_of` decides."""
    if engine.precision != "auto":
        return engine.precision
    return "float32" if machine.runs_on_cpu(engine.device) else stored_type


def training_precision(training: TrainingSection, machine: Machine) -> str:
    """As `training.policy` decides, save that every accelerator is taken to have bfloat16."""
    if training.precision != "auto":
        return training.precision
    return "float32" if machine.runs_on_cpu() else "bfloat16"


def _has_been_run(home: Path, recipe: Recipe) -> bool:
    """Whether nothing would have to be made: such a run is found, wherever it was made."""
    wanted = recipe.model_dump(exclude=NOT_WHAT)
    for run in read_runs(home):
        with suppress(ValidationError):  # a recipe of another version
            if run.recipe and Recipe.model_validate(run.recipe).model_dump(exclude=NOT_WHAT) == wanted:
                return True
    return False


def _place(machine: Machine, device: str = "auto") -> str:
    return "this machine" if machine.runs_on_cpu(device) else f"a device ({machine.device_name})"


def _more_than_here(devices: int, machine: Machine) -> str:
    return "" if devices <= machine.devices else f" (this machine has {machine.devices})"


def _listed(advice: list[str]) -> str:
    return f"; what would fit: {', or '.join(advice)}" if advice else "; take a smaller model"


def gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _billions(count: int) -> str:
    return f"{count / 1e9:.1f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million"
