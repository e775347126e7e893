"""What there is on this machine: devices and their memory, main memory within its limits, room on disk."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from genius_bench.processes import in_own_process

DEVICE_FILES = ("nvidia[0-9]*", "dxg", "kfd")
"""Without one of these under /dev there is nothing that torch calls CUDA: NVIDIA's, WSL's, AMD's."""
CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
NO_LIMIT = 2**60
"""The first version of cgroups writes a number about this large where there is no limit."""


@dataclass(frozen=True)
class Machine:
    """`accelerators` holds the bytes of each GPU; without any, processes share the main memory."""

    accelerators: tuple[int, ...]
    device_name: str
    memory: int

    @property
    def devices(self) -> int:
        return max(1, len(self.accelerators))

    def device_memory(self, device: str = "auto") -> int:
        """Of the smallest accelerator, or the main memory where there is none or it is not to be used."""
        if device == "cpu" or not self.accelerators:
            return self.memory
        return min(self.accelerators)

    def runs_on_cpu(self, device: str = "auto") -> bool:
        return device == "cpu" or not self.accelerators


def this_machine() -> Machine:
    """Imports nothing heavy here: accelerators, where there may be any, are asked in a process of their own."""
    names = in_own_process(_accelerators) if any(Path("/dev").glob(one) for one in DEVICE_FILES) else []
    name = names[0][0] if names else "processor"
    return Machine(tuple(memory for _, memory in names), name, main_memory())


def _accelerators() -> list[tuple[str, int]]:
    """Names and bytes of what torch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    properties = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return [(str(one.name), int(one.total_memory)) for one in properties]


def main_memory() -> int:
    """Bytes that processes of this group may have together: the machine's, or less where a cgroup says so."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *group_limits()])


def group_limits(own: Path = OWN_GROUPS, root: Path = CGROUPS) -> list[int]:
    """The memory limits of the cgroups that this process is in, and of those around them; both versions of cgroups."""
    limits = []
    for line in own.read_text().splitlines() if own.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        # Inside a container its own group is mounted as the root, whatever the path says.
        for place in (group, *group.parents):
            if (limit := _limit(place / name)) is not None:
                limits.append(limit)
            if place == top:
                break
    return limits


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < NO_LIMIT else None


def free_on_disk(folder: Path) -> int:
    """Bytes that are free where `folder` is or will be."""
    absolute = folder.expanduser().absolute()
    place = next(one for one in (absolute, *absolute.parents) if one.is_dir())
    return shutil.disk_usage(place).free
