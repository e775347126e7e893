"""The command lines of torchrun, accelerate and deepspeed, and the environment that training processes get."""

import os
import re
import socket
import sys
from pathlib import Path

from genius_bench.errors import InputError
from genius_bench.recipe import LaunchSection

WORKER = "genius_bench.training.worker"


def command_of(section: LaunchSection, folder: Path, *, number: int, meeting: str, port: int) -> list[str]:
    """What runs on machine `number`; all machines' processes meet at `meeting`:`port`."""
    machines = max(1, len(section.machines))
    make = {"torchrun": _torchrun, "accelerate": _accelerate, "deepspeed": _deepspeed}[section.launcher]
    return [
        sys.executable,
        *make(section.processes, machines, number, meeting, port, folder),
        str(folder.absolute()),
    ]


def _torchrun(processes: int, machines: int, number: int, meeting: str, port: int, folder: Path) -> list[str]:
    return [
        *("-m", "torch.distributed.run", "--nnodes", f"{machines}", "--nproc_per_node", f"{processes}"),
        *("--node_rank", f"{number}", "--master_addr", meeting, "--master_port", f"{port}"),
        *("--max_restarts", "0", "-m", WORKER),
    ]


def _accelerate(
    processes: int, machines: int, number: int, meeting: str, port: int, folder: Path
) -> list[str]:
    """With a configuration of its own: what `accelerate config` has once stored must not change a training."""
    configuration = folder / "accelerate.yaml"
    several = processes * machines > 1
    # "MULTI_GPU" is what starts several processes, on processors as well.
    configuration.write_text(
        f"compute_environment: LOCAL_MACHINE\ndistributed_type: '{'MULTI_GPU' if several else 'NO'}'\n"
        f"mixed_precision: 'no'\nnum_machines: {machines}\nnum_processes: {processes * machines}\n"
        "rdzv_backend: static\nsame_network: true\nuse_cpu: false\n"
    )
    return [
        *("-m", "accelerate.commands.accelerate_cli", "launch", "--config_file", f"{configuration}"),
        *("--num_processes", f"{processes * machines}", "--num_machines", f"{machines}"),
        *("--machine_rank", f"{number}", "--main_process_ip", meeting, "--main_process_port", f"{port}"),
        *("--max_restarts", "0", "-m", WORKER),
    ]


def _deepspeed(
    processes: int, machines: int, number: int, meeting: str, port: int, folder: Path
) -> list[str]:
    """Its own ssh is not used: it wants pdsh, and leaves processes behind."""
    devices = _visible_devices(processes)
    names = [f"machine-{machine}" for machine in range(machines)]
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{name} slots={max(devices) + 1}\n" for name in names))
    include = "@".join(f"{name}:{','.join(map(str, devices))}" for name in names)
    return [
        *("-m", "deepspeed.launcher.runner", "--hostfile", f"{hosts}", "--include", include, "--no_ssh"),
        *("--node_rank", f"{number}", "--master_addr", meeting, "--master_port", f"{port}"),
        *("--no_local_rank", "--module", WORKER),
    ]


def _visible_devices(processes: int) -> list[int]:
    """The devices that deepspeed is to hand out, because it would overwrite CUDA_VISIBLE_DEVICES."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not visible:
        return list(range(processes))
    if not re.fullmatch(r"\d+(,\d+)*", visible):
        raise InputError(
            f"CUDA_VISIBLE_DEVICES={visible}: deepspeed understands device numbers only; use --launcher torchrun"
        )
    return [int(number) for number in visible.split(",")][:processes]


def environment_of(section: LaunchSection) -> dict[str, str]:
    """This process's environment without what stored configurations left in it, and with what processes need."""
    import torch

    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE_", "FSDP_"))
    }
    # Beside the interpreter are the tools that DeepSpeed starts by name.
    environment["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    )
    if "PYTHONPATH" in environment:
        places = environment["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in places)
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not torch.cuda.is_available():
        environment["DS_ACCELERATOR"] = "cpu"
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // section.processes)))
        if len(section.machines) < 2:
            environment.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
    if section.processes * max(1, len(section.machines)) == 1:
        # accelerate starts a single process without telling it that it is one of a group; ZeRO wants a group.
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        environment |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    return environment


def free_port() -> int:
    """Of this machine, for processes that meet on it alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
