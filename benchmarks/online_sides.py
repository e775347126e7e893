"""One training of the online benchmark, in a process of its own: ours, or TRL's GRPOTrainer. Called by it alone.

    python -m benchmarks.online_sides SIDE FOLDER CHANGES

FOLDER holds what both sides train (`workload.json`, `rows.json`): the rollouts of some steps, with rewards. The result
is one line of JSON. Time runs from the first update to the end of the last one; drawing is in neither. Memory is the
most that was held up to then beyond what was held with the policy loaded.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import genius_bench.training.policy as policies
from benchmarks.optimise_sides import Meter
from genius_bench.objectives.online.named import TokenMean
from genius_bench.recipe import LoraSection, TrainingSection

Rows = list[dict[str, Any]]
"""As a step's rollouts: query_id, number, prompt_ids, response_ids, sampled_logps, reward."""
OBJECTIVE = TokenMean(advantage="centred", beta=0)
"""What both sides compute alike: TRL adds another δ to a standard deviation."""
SAME = {"loss_type": "dapo", "beta": 0.0, "scale_rewards": "none", "epsilon": 0.2}


def in_steps(rows: Rows, size: int) -> Iterator[Rows]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def with_advantages(rows: Rows, group: int) -> Rows:
    """What the online stage adds before the update."""
    rewards = [[row["reward"] for row in some] for some in in_steps(rows, group)]
    worth = [advantage for some in OBJECTIVE.advantages(rewards) for advantage in some]
    whole = {"finish_reason": "eos", "entropy": 0.0}
    return [row | whole | {"advantage": advantage} for row, advantage in zip(rows, worth, strict=True)]


def ours(meter: Meter, folder: Path, workload: dict[str, Any], **changes: Any) -> None:
    """The learner of the online stage with its defaults."""
    from genius_bench.online.learner import Learner

    rows = json.loads((folder / "rows.json").read_text())
    size = workload["batch_size"]
    learner = Learner(
        Path(workload["policy"]),
        OBJECTIVE,
        section(workload, **changes),
        precision=workload["precision"],
        device="cuda" if torch.cuda.is_available() else "cpu",
        steps=len(rows) // size,
    )
    meter.policy_loaded()
    meter.start()
    for step in in_steps(with_advantages(rows, workload["group"]), size):
        learner.log.append(learner.update(step))
        meter.loss.append(learner.log[-1]["loss"])
        meter.on_step_end()


def section(workload: dict[str, Any], **changes: Any) -> TrainingSection:
    shared = {
        name: workload[name] for name in ("learning_rate", "batch_size", "micro_batch_size", "precision")
    }
    constant = {"schedule": "constant_with_warmup", "warmup": 0.0}
    return TrainingSection(**shared | constant | {"report_to": "none", "max_length": 2**20} | changes)


def trl(meter: Meter, folder: Path, workload: dict[str, Any], **changes: Any) -> None:
    rows = json.loads((folder / "rows.json").read_text())
    with tempfile.TemporaryDirectory(dir=folder) as output:
        trainer = grpo_trainer(rows, workload, output, **changes)
        meter.policy_loaded()
        trainer.add_callback(meter)
        meter.start()
        trainer.train()


def grpo_trainer(rows: Rows, workload: dict[str, Any], output: str, **changes: Any) -> Any:
    """TRL's, which is handed the rollouts of every step in the place of its own."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    size, group = workload["batch_size"], workload["group"]
    micro = changes.pop("micro_batch_size", workload["micro_batch_size"])
    steps = in_steps(rows, size)

    def rollouts(prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        step = next(steps)
        return {
            "prompt_ids": [row["prompt_ids"] for row in step],
            "completion_ids": [row["response_ids"] for row in step],
            "logprobs": [row["sampled_logps"] for row in step],
            "worth": [row["reward"] for row in step],
        }

    def reward(worth: list[float], **_: Any) -> list[float]:
        return worth

    defaults = {"gradient_checkpointing": False, "bf16": workload["precision"] == "bfloat16"}
    return GRPOTrainer(
        model=policies.load_policy(Path(workload["policy"]), LoraSection(), workload["precision"]),
        reward_funcs=reward,
        rollout_func=rollouts,
        args=GRPOConfig(
            output_dir=output,
            num_generations=group,
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=size // micro,
            max_steps=len(rows) // size,
            max_completion_length=workload["longest"],
            learning_rate=workload["learning_rate"],
            lr_scheduler_type="constant",
            shuffle_dataset=False,
            save_strategy="no",
            report_to=[],
            logging_steps=1,
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            **defaults | SAME | changes,
        ),
        train_dataset=Dataset.from_dict({"prompt": [str(n) for n in range(len(rows) // group)]}),
        processing_class=AutoTokenizer.from_pretrained(workload["policy"]),
    )


SIDES: dict[str, Callable[..., None]] = {"ours": ours, "trl": trl}


def main() -> None:
    side, folder, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    workload = json.loads((folder / "workload.json").read_text())
    torch.set_num_threads(workload["threads"])
    meter = Meter()
    SIDES[side](meter, folder, workload, **changes)
    print(json.dumps(meter.result()))


if __name__ == "__main__":
    main()
