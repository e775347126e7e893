"""One and five steps of our learner and of TRL 1.16's GRPOTrainer on the same rollouts: the same weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from benchmarks.online_sides import OBJECTIVE, Rows, grpo_trainer, in_steps, section, with_advantages
from genius_bench.online.learner import Learner
from genius_bench.online.reading import PADDED, examples_of, log_probabilities

STEPS, QUERIES, GROUP = 5, 2, 4
SIZE = QUERIES * GROUP
Weights = dict[str, torch.Tensor]


def rollouts() -> Rows:
    random = np.random.default_rng(1)
    prompts = [random.integers(3, 40, random.integers(3, 9)).tolist() for _ in range(STEPS * QUERIES)]
    return [
        {
            "id": f"{query}/{number}",
            "query_id": str(query),
            "number": number,
            "prompt": str(query),
            "prompt_ids": prompt,
            "response_ids": [*random.integers(3, 40, random.integers(2, 14)).tolist(), 2],
            "sampled_logps": [],
            "reward": float(random.integers(2)),
        }
        for query, prompt in enumerate(prompts)
        for number in range(GROUP)
    ]


def of_trl(rows: Rows, workload: dict[str, Any], output: Path) -> list[Weights]:
    seen: list[Weights] = []

    class Copy(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            seen.append({name: weight.detach().clone() for name, weight in model.named_parameters()})

    rows = [row | {"sampled_logps": [0.0] * len(row["response_ids"])} for row in rows]
    trainer = grpo_trainer(rows, workload, str(output))
    trainer.add_callback(Copy())
    trainer.train()
    return seen


def of_ours(rows: Rows, workload: dict[str, Any]) -> list[Weights]:
    """The engine of the stage draws with the weights in training; here they say what they would have said."""
    learner = Learner(
        Path(workload["policy"]), OBJECTIVE, section(workload), precision="float32", device="cpu", steps=STEPS
    )
    seen: list[Weights] = []
    for step in in_steps(with_advantages(rows, GROUP), SIZE):
        with torch.no_grad():
            told = log_probabilities(learner.model, PADDED(examples_of(step)))
        drawn = [
            row | {"sampled_logps": line[: len(row["response_ids"])].tolist()}
            for row, line in zip(step, told, strict=True)
        ]
        learner.log.append(learner.update(drawn))
        seen.append({name: weight.detach().clone() for name, weight in learner.model.named_parameters()})
    return seen


@pytest.mark.parametrize("accumulation", [1, 2, 4])
def test_the_weights_are_those_of_the_grpo_trainer(tmp_path: Path, llama: Path, accumulation: int) -> None:
    workload = {
        "draws": False,
        "policy": str(llama),
        "group": GROUP,
        "batch_size": SIZE,
        "micro_batch_size": SIZE // accumulation,
        "longest": 16,
        "learning_rate": 1e-3,
        "precision": "float32",
    }
    rows = rollouts()
    ours, theirs = of_ours(rows, workload), of_trl(rows, workload, tmp_path)
    assert len(ours) == len(theirs) == STEPS
    for step in (0, STEPS - 1):
        assert ours[step].keys() == theirs[step].keys()
        apart = max(float((ours[step][name] - theirs[step][name]).abs().max()) for name in ours[step])
        assert apart <= 1e-5, step + 1
    moved = max(float((ours[-1][name] - ours[0][name]).abs().max()) for name in ours[0])
    assert moved > 1e-3
