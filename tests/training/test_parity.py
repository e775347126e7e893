"""The same batch, the same policy and reference: our loss and gradient beside TRL's DPO trainer."""

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from genius_bench.objectives.aco import ACO
from genius_bench.objectives.dpo import DPO
from genius_bench.training.collator import Collator
from genius_bench.training.examples import read_examples
from genius_bench.training.log_probabilities import objective_batch, response_log_probabilities

from .support import VOCABULARY, make_pairs


def noisy_copy(model: Any) -> Any:
    other = copy.deepcopy(model)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in other.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return other


def gradients(model: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


@pytest.mark.parametrize("packing", [False, True])
def test_dpo_equals_trl_in_loss_and_gradient(llama: Path, tmp_path: Path, packing: bool) -> None:
    reference = AutoModelForCausalLM.from_pretrained(llama, attention_dropout=0.0)
    model = noisy_copy(reference)
    pairs = [asdict(pair) for pair in make_pairs(6)]

    trainer = DPOTrainer(
        model=model,
        ref_model=reference,
        args=DPOConfig(
            output_dir=str(tmp_path),
            beta=0.3,
            use_cpu=True,
            bf16=False,
            report_to=[],
            gradient_checkpointing=False,
        ),
        train_dataset=Dataset.from_list([{"prompt": "w3", "chosen": "w4", "rejected": "w5"}]),
        processing_class=AutoTokenizer.from_pretrained(llama),
    )
    rows = [
        {name: list(pair[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids")} for pair in pairs
    ]
    theirs = trainer._compute_loss(model, dict(DataCollatorForPreference(pad_token_id=2)(rows)), False)
    their_gradients = gradients(model, theirs)

    collator = Collator(packing)
    examples = read_examples(pairs, DPO(), max_length=100, vocabulary=VOCABULARY).kept
    with torch.no_grad():
        chosen, rejected = response_log_probabilities(reference, collator(examples)).chunk(2)
    known = [
        e.with_reference(*ratio)
        for e, *ratio in zip(examples, chosen.tolist(), rejected.tolist(), strict=True)
    ]
    ours, _ = DPO(beta=0.3)(objective_batch(model, collator(known)))
    our_gradients = gradients(model, ours)

    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    assert abs(ours.item() - 0.6931) > 1e-2
    for name, gradient in our_gradients.items():
        torch.testing.assert_close(gradient, their_gradients[name], rtol=1e-5, atol=1e-5)


def test_the_advantages_reach_the_loss(llama: Path) -> None:
    """Extra columns are easily lost on their way to a loss, which then trains plain DPO without a word."""
    model = AutoModelForCausalLM.from_pretrained(llama)
    rows = [asdict(pair) for pair in make_pairs(6)]
    examples = read_examples(rows, ACO(), max_length=100, vocabulary=VOCABULARY).kept
    batch = objective_batch(model, Collator(packing=False)(examples))
    assert batch.rejected_advantage.tolist() == pytest.approx([row["rejected_advantage"] for row in rows])
    assert ACO()(batch)[0].item() != pytest.approx(DPO()(batch)[0].item(), abs=1e-4)


def test_log_probabilities_equal_a_plain_loop(qwen2: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(qwen2).eval()
    rows = [asdict(pair) for pair in make_pairs(5)]
    examples = read_examples(rows, DPO(), max_length=100, vocabulary=VOCABULARY).kept
    expected = []
    with torch.no_grad():
        for side in ("chosen_ids", "rejected_ids"):
            for row in rows:
                ids = torch.tensor([[*row["prompt_ids"], *row[side]]])
                logp = model(ids).logits[0].log_softmax(-1)
                start = len(row["prompt_ids"])
                expected.append(sum(logp[k - 1, ids[0, k]].item() for k in range(start, ids.shape[1])))
        for packing in (False, True):
            measured = response_log_probabilities(model, Collator(packing)(examples))
            assert measured.tolist() == pytest.approx(expected, abs=1e-4)
