"""The online stage against TRL's GRPOTrainer: its update, or the whole step.

Same token ids, rewards, policy, dtype and batch, same loss (the mean over a step's tokens, no reference). Each training
has a process of its own; they take turns. With `--whole` each draws its own responses to the same prompts, TRL with
transformers' `generate`; all of them run as long as they may, since a policy of random weights hardly ever ends one.

    python -m benchmarks.online_speed [--whole] [--runs 5] [--steps 3] [--queries 4] [--prompt 150] [--response 150]

ours      defaults: packed, the prompt of a group once
TRL       GRPOTrainer's defaults: gradient checkpointing, micro batches of 8 (in the dtype of the others)
TRL best  no gradient checkpointing, and the micro batch that is fastest (--trl-micro)

Tokens are those of responses. Memory is the most that was held beyond what was held with the policy loaded.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.optimise_speed import processor
from benchmarks.optimise_workload import END, ROOT, VOCABULARY, write_policy
from genius_bench.environment import describe_environment, package_version
from genius_bench.recipe import LoraSection
from genius_bench.training.policy import load_policy

GROUP = 8
TARGETS = {
    "tokens per second, of TRL": 3.0,
    "tokens per second, of TRL best": 2.0,
    "peak memory, of TRL": 0.6,
    "peak memory, of TRL best": 0.6,
}
OF_WHOLE_STEPS = {"tokens per second, of TRL": 2.0, "tokens per second, of TRL best": 2.0}
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""Both sides read a prompt as the words that it is."""


def write_workload(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A Llama of 23 million random weights (184 million on a GPU) and groups of random responses."""
    large = torch.cuda.is_available()
    policy = write_policy(
        folder / "policy", hidden_size=1024 if large else 384, num_hidden_layers=12 if large else 6
    )
    draw = np.random.default_rng(0)

    def ids(typical: int) -> list[int]:
        length = int(np.clip(draw.lognormal(np.log(typical), 0.4), typical / 5, typical * 3))
        found: list[int] = draw.integers(3, VOCABULARY, length).tolist()
        return found

    (policy / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    model = None if options.whole else load_policy(policy, LoraSection(), "float32").eval()
    rows: list[dict[str, Any]] = []
    for query in range(options.steps * options.queries):
        prompt = ids(options.prompt)
        for number in range(GROUP):
            response = [*ids(options.response), END]
            rows.append(
                {
                    "id": f"{query}/{number}",
                    "query_id": str(query),
                    "number": number,
                    "prompt": " ".join(f"w{token}" for token in prompt),
                    "prompt_ids": prompt,
                    "response_ids": response,
                    "sampled_logps": None if options.whole else sampled_logps(model, prompt, response),
                    "reward": float(draw.integers(2)),
                }
            )
    workload = {
        "policy": str(policy),
        "group": GROUP,
        "batch_size": options.queries * GROUP,
        "micro_batch_size": GROUP,
        "draws": options.whole,
        "response_tokens": len(rows) * options.response
        if options.whole
        else sum(len(row["response_ids"]) for row in rows),
        "prompt_tokens": statistics.mean(len(row["prompt_ids"]) for row in rows),
        "longest": options.response if options.whole else max(len(row["response_ids"]) for row in rows),
        "learning_rate": 1e-6,
        "precision": "bfloat16" if large else "float32",
        "threads": options.threads,
    }
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "workload.json").write_text(json.dumps(workload))
    return workload


@torch.no_grad()
def sampled_logps(model: Any, prompt: list[int], response: list[int]) -> list[float]:
    """Nats: what the policy says of its response."""
    logits = model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
    found: list[float] = logits.log_softmax(-1)[range(len(response)), response].tolist()
    return found


def ways(trl_micro: int) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "ours": ("ours", {}),
        "TRL": ("trl", {"gradient_checkpointing": True}),
        "TRL best": ("trl", {"micro_batch_size": trl_micro}),
    }


def measure(folder: Path, runs: int, trl_micro: int) -> dict[str, list[dict[str, Any]]]:
    """By way, one result a run; the order of ways turns with the runs."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways(trl_micro)}
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    for number in range(runs):
        for name, (side, changes) in list(ways(trl_micro).items())[:: -1 if number % 2 else 1]:
            command = [
                sys.executable,
                "-m",
                "benchmarks.online_sides",
                side,
                str(folder),
                json.dumps(changes),
            ]
            done = subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(
                f"run {number + 1}, {name}: {found[name][-1]['seconds']:.1f} s", file=sys.stderr, flush=True
            )
    return found


def compared(found: dict[str, list[dict[str, Any]]], kind: str) -> dict[str, float]:
    """Medians of the ratios within runs."""

    def ratio(name: str, way: str, other: str) -> float:
        values = zip(found[way], found[other], strict=True)
        return round(statistics.median(a[name] / b[name] for a, b in values), 3)

    theirs = ("TRL", "TRL best")
    return (
        {f"tokens per second, of {way}": ratio("seconds", way, "ours") for way in theirs}
        | {f"tokens per CPU second, of {way}": ratio("cpu_seconds", way, "ours") for way in theirs}
        | {f"peak memory, of {way}": ratio(f"{kind}_beyond", "ours", way) for way in theirs}
    )


def _loss_difference(found: dict[str, list[dict[str, Any]]]) -> float:
    """Of the first step's, before which nothing has moved."""
    return max(abs(found["ours"][0]["loss"][0] - found[way][0]["loss"][0]) for way in ("TRL", "TRL best"))


def table(found: dict[str, list[dict[str, Any]]], tokens: int, kind: str) -> str:
    lines = [f"{'':<10}{'tokens/s':>10}{'seconds':>9}{'CPU s':>8}{'MiB':>8}"]
    for name, results in found.items():
        middle = {
            key: statistics.median(result[key] for result in results)
            for key in ("seconds", "cpu_seconds", f"{kind}_beyond")
        }
        lines.append(
            f"{name:<10}{tokens / middle['seconds']:>10.0f}{middle['seconds']:>9.1f}{middle['cpu_seconds']:>8.1f}"
            f"{middle[f'{kind}_beyond'] / 2**20:>8.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--whole", action="store_true", help="each side draws what it trains")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--queries", type=int, default=4, help=f"a step; each has {GROUP} responses")
    parser.add_argument("--prompt", type=int, default=150, help="tokens, typically")
    parser.add_argument("--response", type=int, default=150, help="tokens, typically")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--trl-micro", type=int, default=4, help="TRL best: responses per forward pass")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        workload = write_workload(Path(name), options)
        found = measure(Path(name), options.runs, options.trl_micro)
    kind = "accelerator" if "accelerator_peak" in found["ours"][0] else "resident"
    ratios, aims = compared(found, kind), OF_WHOLE_STEPS if options.whole else TARGETS
    if not options.whole:
        ratios["loss, largest difference"] = _loss_difference(found)
    machine = describe_environment() | {"processor": processor(), "trl": package_version("trl")}
    text = json.dumps({"machine": machine, "workload": workload, "ratios": ratios, "runs": found}, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    print(text)
    print(table(found, workload["response_tokens"], kind))
    for name, value in ratios.items():
        aim = aims.get(name)
        said = "" if aim is None else f"  (aim: {'at least' if aim > 1 else 'at most'} {aim:g})"
        print(f"{name}: {value:.3g}{said}")


if __name__ == "__main__":
    main()
