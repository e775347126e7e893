"""The optimise stage against TRL's DPOTrainer.

Same token ids in the same order, same policy, dtype, batch size and schedule, same objective (sigmoid DPO, the starting
policy as reference). Each training has a process of its own; they take turns.

    python -m benchmarks.optimise_speed [--runs 5] [--model random|lab] [--long-prompts] [--pairs 24] [--output FILE]

ours            defaults; reference log-probabilities come with the rows, as sampling records them for nothing
ours recompute  the reference is computed before the first step, and counted
TRL             DPOTrainer's defaults (in the dtype of the others)
TRL best        precomputed reference, no gradient checkpointing, and the micro batch that is fastest (--trl-micro).
                `padding_free` is ignored by TRL 1.16; attention is sdpa everywhere

Pairs per second count what a side computes of the reference. Memory is the most that was held during training beyond
what was held with the policy loaded; `whole` is the process. CPU seconds tell more than seconds on a busy machine.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.optimise_workload import lab_workload, random_workload
from genius_bench.environment import describe_environment, package_version

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {
    "pairs per second, of TRL": 1.5,
    "pairs per second, of TRL best": 1.15,
    "peak memory, of TRL": 0.7,
    "loss, largest difference": 1e-4,
}


def ways(trl_micro: int) -> dict[str, tuple[str, dict[str, Any]]]:
    best = {"precompute_ref_log_probs": True, "gradient_checkpointing": False, "micro_batch_size": trl_micro}
    return {
        "ours": ("ours", {}),
        "ours recompute": ("ours", {"reference": "recompute"}),
        "TRL": ("trl", {}),
        "TRL best": ("trl", best),
    }


def run(side: str, folder: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """One training. Raises `CalledProcessError` with what it said."""
    command = [sys.executable, "-m", "benchmarks.optimise_sides", side, str(folder), json.dumps(changes)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, runs: int, trl_micro: int) -> dict[str, list[dict[str, Any]]]:
    """By way, one result a run; the order of ways turns with the runs."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways(trl_micro)}
    for number in range(runs):
        order = list(ways(trl_micro).items())
        for name, (side, changes) in order[:: -1 if number % 2 else 1]:
            found[name].append(run(side, folder, changes))
            seconds = found[name][-1]["seconds"]
            print(f"run {number + 1}, {name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def compared(found: dict[str, list[dict[str, Any]]], kind: str) -> dict[str, float]:
    """Medians of the ratios within runs."""

    def ratio(name: str, way: str, other: str) -> float:
        values = zip(found[way], found[other], strict=True)
        return round(statistics.median(a[name] / b[name] for a, b in values), 3)

    curves = zip(found["ours"], found["TRL"], found["TRL best"], strict=True)
    return {
        "pairs per second, of TRL": ratio("seconds", "TRL", "ours"),
        "pairs per second, of TRL best": ratio("seconds", "TRL best", "ours"),
        "pairs per second, of TRL best without its precomputation": ratio(
            "train_seconds", "TRL best", "ours"
        ),
        "pairs per second with reference computed, of TRL": ratio("seconds", "TRL", "ours recompute"),
        "pairs per second with reference computed, of TRL best": ratio(
            "seconds", "TRL best", "ours recompute"
        ),
        "pairs per CPU second, of TRL": ratio("cpu_seconds", "TRL", "ours"),
        "pairs per CPU second, of TRL best": ratio("cpu_seconds", "TRL best", "ours"),
        "peak memory, of TRL": ratio(f"{kind}_beyond", "ours", "TRL"),
        "peak memory, of TRL best": ratio(f"{kind}_beyond", "ours", "TRL best"),
        "peak memory of the whole process, of TRL": ratio(f"{kind}_peak", "ours", "TRL"),
        "loss, largest difference": max(
            abs(a - b)
            for ours, *theirs in curves
            for other in theirs
            for a, b in zip(ours["loss"], other["loss"], strict=True)
        ),
    }


def table(found: dict[str, list[dict[str, Any]]], pairs: int, kind: str) -> str:
    lines = [f"{'':<16}{'pairs/s':>9}{'seconds':>9}{'CPU s':>8}{'MiB':>8}{'whole':>8}{'last loss':>11}"]
    for name, results in found.items():
        median = {key: statistics.median(r[key] for r in results) for key in results[0] if key != "loss"}
        lines.append(
            f"{name:<16}{pairs / median['seconds']:>9.3f}{median['seconds']:>9.1f}{median['cpu_seconds']:>8.1f}"
            f"{median[f'{kind}_beyond'] / 2**20:>8.0f}{median[f'{kind}_peak'] / 2**20:>8.0f}"
            f"{results[0]['loss'][-1]:>11.6f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", choices=["random", "lab"], default="random")
    parser.add_argument("--long-prompts", action="store_true")
    parser.add_argument("--pairs", type=int, default=None, help="24 (256 on a GPU, and for the lab model)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--trl-micro", type=int, default=1, help="TRL best: pairs per forward pass")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.model == "lab":
            workload = lab_workload(folder, options.pairs or 256, options.threads)
        else:
            workload = random_workload(
                folder, options.pairs, options.threads, long_prompts=options.long_prompts
            )
        found = measure(folder, options.runs, options.trl_micro)
    kind = "accelerator" if "accelerator_peak" in found["ours"][0] else "resident"
    ratios = compared(found, kind)
    machine = describe_environment() | {
        "cores": os.cpu_count(),
        "processor": processor(),
        "trl": package_version("trl"),
    }
    report = {
        "machine": machine,
        "workload": workload,
        "ways": ways(options.trl_micro),
        "ratios": ratios,
        "runs": found,
    }
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    print(text)
    print(table(found, workload["pairs"], kind))
    for name, value in ratios.items():
        aim = (
            f"  (aim: {'at least' if TARGETS[name] > 1 else 'at most'} {TARGETS[name]:g})"
            if name in TARGETS
            else ""
        )
        print(f"{name}: {value:.3g}{aim}")


def processor() -> str:
    """As Linux names it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


if __name__ == "__main__":
    main()
