"""What must hold before a training is worth starting: told in one line, before anything is computed."""

from importlib.util import find_spec
from pathlib import Path

import torch

from genius_bench.errors import InputError
from genius_bench.recipe import LaunchSection
from genius_bench.training.machines import check_machine
from genius_bench.training.sharding import NAMES, ZERO_STAGES


def check_launch(section: LaunchSection, home: Path) -> None:
    """Raises `InputError` for launch settings that this machine, or another one that is asked for, cannot follow."""
    if section.launcher == "none":
        return
    if (section.sharding in ZERO_STAGES or section.launcher == "deepspeed") and find_spec(
        "deepspeed"
    ) is None:
        what = NAMES[section.sharding] if section.sharding in ZERO_STAGES else "launcher deepspeed"
        raise InputError(f"{what} needs DeepSpeed: pip install 'genius-bench[deepspeed]'")
    if section.sharding == "fsdp2" and not torch.cuda.is_available():
        raise InputError(
            "FSDP2 needs GPUs: use --sharding zero3, which also divides the weights on processors"
        )
    if torch.cuda.is_available() and section.processes > torch.cuda.device_count():
        raise InputError(
            f"launch.processes = {section.processes}: a process needs a device of its own, and this machine has "
            f"{torch.cuda.device_count()}"
        )
    for machine in section.machines[1:]:
        check_machine(machine, home)


def processes_of(section: LaunchSection) -> int:
    """On all machines together."""
    return section.processes * max(1, len(section.machines))


def described(section: LaunchSection, precision: str) -> str:
    """One line about how a training is spread, such as "2 processes by torchrun, ZeRO-3, float32"."""
    count = processes_of(section)
    where = f" on {len(section.machines)} machines" if len(section.machines) > 1 else ""
    spread = f"{count} process{'es' if count > 1 else ''}{where}"
    by = "" if section.launcher == "none" else f" by {section.launcher}"
    numbers = "bfloat16 with float32 master weights" if precision == "bfloat16" else precision
    return ", ".join(part for part in (spread + by, NAMES[section.sharding], numbers) if part)
