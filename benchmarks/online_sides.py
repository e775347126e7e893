"""One training of the online benchmark, in a process of its own: ours, or TRL's GRPOTrainer. Called by it alone.

    python -m benchmarks.online_sides SIDE FOLDER CHANGES

FOLDER holds what both sides train (`workload.json`, `rows.json`): the rollouts of some steps, with rewards; or, where
the workload says that each `draws`, their prompts alone. The result is one line of JSON. Time runs from the first step
to the end of the last one. Memory is the most that was held up to then beyond what was held with the policy loaded.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

import genius_bench.training.policy as policies
from benchmarks.optimise_sides import Meter
from genius_bench.engines.hf import HFEngine
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online.rollouts import draw, give_advantages
from genius_bench.online_method import Group, OnlineMethod, OnlineOptions
from genius_bench.recipe import EngineSection, LoraSection, TrainingSection
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy

Rows = list[dict[str, Any]]
"""As a step's rollouts: query_id, number, prompt_ids, response_ids, sampled_logps, reward."""
OBJECTIVE = TokenMean(advantage="centred", beta=0)
"""What both sides compute alike: TRL adds another δ to a standard deviation."""
SAME = {"loss_type": "dapo", "beta": 0.0, "scale_rewards": "none", "epsilon": 0.2}


def in_steps(rows: Rows, size: int) -> Iterator[Rows]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def worth(response: Sequence[int]) -> float:
    """The reward of a response that a side draws: known without its text, and different within a group."""
    return float(response[-1] % 2)


def with_advantages(rows: Rows, group: int) -> Rows:
    """As the online stage trains them; whole, as the other side takes them, also where one has run into the limit."""
    whole = [{"entropy": 0.0} | row | {"finish_reason": "eos"} for row in rows]
    give_advantages(whole, [0.0] * len(whole), OBJECTIVE, group)
    return whole


class LastToken(OnlineMethod):
    name = title = "last-token"
    source = "this benchmark"

    def reward(self, group: Group) -> list[float]:
        return [worth(response.token_ids) for response in group.responses]


def ours(meter: Meter, folder: Path, workload: dict[str, Any], **changes: Any) -> None:
    """The learner of the online stage with its defaults, and its sampler where it draws."""
    from genius_bench.online.learner import Learner

    rows = json.loads((folder / "rows.json").read_text())
    size, group = workload["batch_size"], workload["group"]
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
    for number, step in enumerate(in_steps(rows, size), start=1):
        if workload["draws"]:
            step = drawn(learner, Path(workload["policy"]), step[::group], workload, number)
        learner.log.append(learner.update(with_advantages(step, group)))
        meter.loss.append(learner.log[-1]["loss"])
        meter.on_step_end()


def drawn(learner: Any, policy: Path, asked: Rows, workload: dict[str, Any], step: int) -> Rows:
    """A step's rollouts, by the module in training."""
    method = LastToken(OnlineOptions(responses=workload["group"], max_tokens=workload["longest"]))
    queries = [
        Query(id=row["query_id"], messages=({"role": "user", "content": row["prompt"]},)) for row in asked
    ]
    sampler = Policy(HFEngine(policy, EngineSection(), learner.model), 0)
    with learner.computing():
        return asyncio.run(draw(method, sampler, None, queries, step, {}))


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
    """TRL's, which draws, or is handed the rollouts of every step in the place of its own."""
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
            "given": [row["reward"] for row in step],
        }

    def reward(completion_ids: list[list[int]], given: list[float] | None = None, **_: Any) -> list[float]:
        return given if given is not None else [worth(response) for response in completion_ids]

    defaults = {"gradient_checkpointing": False, "bf16": workload["precision"] == "bfloat16"}
    return GRPOTrainer(
        model=policies.load_policy(Path(workload["policy"]), LoraSection(), workload["precision"]),
        reward_funcs=reward,
        rollout_func=None if workload["draws"] else rollouts,
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
        train_dataset=Dataset.from_dict({"prompt": [row["prompt"] for row in rows[::group]]}),
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
