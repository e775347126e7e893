"""Four tasks by one `genius-bench eval` against four calls of the lm-eval command line: same checkpoint, items, prompts
and limits, greedy. Both start from nothing, with start-up and loading counted; the ratio is of wall times.

    python benchmarks/evaluation_speed.py [--runs 5] [--limit 200] [--model FOLDER]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from genius_bench.evaluation.cards import TaskCard, task_card
from genius_bench.evaluation.data import load_items
from genius_bench.lab import MODEL_PATH

TASKS = ("lab_words", "lab_olympiad", "lab_facts", "lab_comparison")
BATCH = 64
RESULT = {
    "number": r"The answer is (-?[0-9.,]*[0-9])",
    "option": r"The answer is ([A-Z])",
    "yes_no": r"The answer is (Yes|No)",
}
"""What lm-eval's own filter takes for the answer, by our grader's name."""


def write_lm_eval_task(card: TaskCard, folder: Path) -> None:
    """A task of ours as one of the lm-eval command line's own: its prompt, the same rows in a file, its own scoring."""
    items = folder / f"{card.name}.jsonl"
    items.write_text("".join(json.dumps(row) + "\n" for row in load_items(card).rows))
    own = {key: card.config[key] for key in ("doc_to_text", "doc_to_target", "output_type", "test_split")}
    task = own | {
        "task": f"{card.name}_by_lm_eval",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {card.split: str(items)}},
        "num_fewshot": 0,
        "generation_kwargs": {"until": [], "max_gen_toks": card.max_tokens, "do_sample": False},
        "filter_list": [
            {
                "name": "answer",
                "filter": [
                    {"function": "regex", "regex_pattern": RESULT[card.facts.grader]},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    (folder / f"{card.name}.yaml").write_text(yaml.safe_dump(task))


def run_lm_eval(card: TaskCard, model: Path, folder: Path, limit: int) -> Path:
    """One call of the command line; the folder that its results went to. Raises `CalledProcessError`."""
    output = folder / f"out-{card.name}"
    arguments = f"--model hf --model_args pretrained={model},dtype=float32 --device cpu --batch_size {BATCH}"
    command = [sys.executable, "-m", "lm_eval", *arguments.split(), "--tasks", f"{card.name}_by_lm_eval"]
    command += [
        "--include_path",
        str(folder),
        "--apply_chat_template",
        "--log_samples",
        "--limit",
        str(limit),
    ]
    subprocess.run(
        [*command, "--output_path", str(output)], check=True, capture_output=True, env=offline(folder)
    )
    return output


def run_ours(tasks: tuple[str, ...], model: Path, folder: Path, limit: int) -> Path:
    """One call of ours in a home of its own; the home."""
    home = folder / f"home-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "genius_bench", "eval", str(model), "--suite", ",".join(tasks)]
    command += ["--samples", "0", "--limit", str(limit), "--home", str(home)]
    command += ["--set", "evaluation.temperatures=[]"]  # lm-eval asks for no other temperatures either
    subprocess.run(
        [*command, "--set", f"engine.max_batch={BATCH}"], check=True, capture_output=True, env=offline(folder)
    )
    return home


def offline(folder: Path) -> dict[str, str]:
    """The environment of both: no hub, caches of their own."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
        "TOKENIZERS_PARALLELISM": "0",
    }


def measure(model: Path, limit: int, runs: int) -> dict[str, Any]:
    cards = [task_card(name) for name in TASKS]
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for card in cards:
            write_lm_eval_task(card, folder)
        for _ in range(runs):  # in turns, so that whatever else the machine does falls on both
            start = time.monotonic()
            run_ours(TASKS, model, folder, limit)
            ours.append(time.monotonic() - start)
            start = time.monotonic()
            for card in cards:
                run_lm_eval(card, model, folder, limit)
            theirs.append(time.monotonic() - start)
    return {
        "tasks": list(TASKS),
        "items_per_task": limit,
        "genius_bench_seconds": [round(value, 1) for value in ours],
        "lm_eval_seconds": [round(value, 1) for value in theirs],
        "ratio": round(statistics.median(b / a for a, b in zip(ours, theirs, strict=True)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--model", type=Path, default=MODEL_PATH)
    options = parser.parse_args()
    found = measure(options.model, options.limit, options.runs)
    print(json.dumps(found, indent=2))
    print(
        f"one call of ours is {found['ratio']:.2f} times as fast as four of lm-eval (median of {options.runs})"
    )


if __name__ == "__main__":
    main()
