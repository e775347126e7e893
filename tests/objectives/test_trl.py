"""The same batch, policy and reference: our losses and gradients beside those of TRL's trainers.

TRL 1.16 has neither ACO nor ROPO nor a weight for each pair, hence no ScPO, and IPO only per token:
`test_objectives.py` holds those against float64 formulas. Plain DPO, packed too, is in `tests/training/test_parity.py`.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from genius_bench.objectives.cdpo import CDPO
from genius_bench.objectives.interface import Objective
from genius_bench.objectives.ipo import IPO
from genius_bench.objectives.robust import RobustDPO
from genius_bench.objectives.rpo import RPO
from genius_bench.objectives.sft import SFT
from genius_bench.objectives.simpo import SimPO
from genius_bench.rows import PreferencePair
from genius_bench.training.collator import Collator
from genius_bench.training.examples import read_examples
from genius_bench.training.log_probabilities import (
    objective_batch,
    response_log_probabilities,
    split_halves,
)

from ..training.support import END, VOCABULARY, make_pairs, save_policy

PAIRS = make_pairs(6)
MEAN_LENGTH = sum(len(pair.chosen_ids) for pair in PAIRS) / len(PAIRS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_policy("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture
def reference(folder: Path) -> Any:
    """Loaded for each test: a trainer wraps the `forward` of its models, and copies would share it."""
    return AutoModelForCausalLM.from_pretrained(folder, attention_dropout=0.0)


@pytest.fixture
def policy(reference: Any) -> Any:
    """Some way from the reference."""
    other = copy.deepcopy(reference)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in other.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return other


@pytest.fixture
def trainer(folder: Path, tmp_path: Path) -> Callable[..., Any]:
    """Any of TRL's trainers, of which only the loss is wanted: what it would train on does not matter."""

    def build(trainer_class: Any, config_class: Any, loss: dict[str, Any], **models: Any) -> Any:
        plain = {"use_cpu": True, "bf16": False, "report_to": [], "gradient_checkpointing": False}
        return trainer_class(
            args=config_class(output_dir=str(tmp_path), **plain, **loss),
            train_dataset=Dataset.from_list([{"prompt": "w3", "chosen": "w4", "rejected": "w5"}]),
            processing_class=AutoTokenizer.from_pretrained(folder),
            **models,
        )

    return build


def our_loss(
    objective: Objective, policy: Any, reference: Any, pairs: Sequence[PreferencePair]
) -> torch.Tensor:
    rows = [asdict(pair) for pair in pairs]
    examples = read_examples(rows, objective, max_length=100, vocabulary=VOCABULARY).kept
    collator = Collator(packing=False)
    with torch.no_grad():
        chosen, rejected = split_halves(
            response_log_probabilities(reference, collator(examples)), len(examples)
        )
    known = [
        example.with_reference(*values)
        for example, *values in zip(examples, chosen.tolist(), rejected.tolist(), strict=True)
    ]
    return objective(objective_batch(policy, collator(known)))[0]


def assert_equal_loss_and_gradient(policy: Any, ours: torch.Tensor, theirs: torch.Tensor) -> None:
    names, weights = zip(*policy.named_parameters(), strict=True)
    our_gradients = torch.autograd.grad(ours, weights)
    their_gradients = torch.autograd.grad(theirs, weights)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5, abs=1e-5)
    assert max(float(gradient.abs().max()) for gradient in our_gradients) > 1e-3
    for name, one, other in zip(names, our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    ("objective", "loss", "pairs"),
    [
        pytest.param(
            RobustDPO(beta=0.3, epsilon=0.2),
            {"loss_type": ["robust"], "beta": 0.3, "label_smoothing": 0.2},
            PAIRS,
            id="robust",
        ),
        pytest.param(IPO(tau=0.3), {"loss_type": ["ipo"], "beta": 0.3}, PAIRS, id="ipo"),
        # TRL's `sigmoid` ignores `label_smoothing` since its rewrite. Its distributional loss `aot` honours it, and of
        # a single pair, with nothing to sort, is cDPO; so is 2(1−ε)·DPO − (1−2ε)·robust, whatever the batch.
        pytest.param(
            CDPO(beta=0.3, epsilon=0.2),
            {"loss_type": ["aot"], "beta": 0.3, "label_smoothing": 0.2},
            PAIRS[:1],
            id="cdpo-one-pair",
        ),
        pytest.param(
            CDPO(beta=0.3, epsilon=0.2),
            {
                "loss_type": ["sigmoid", "robust"],
                "loss_weights": [1.6, -0.6],
                "beta": 0.3,
                "label_smoothing": 0.2,
            },
            PAIRS,
            id="cdpo",
        ),
        # TRL averages `sft` over all tokens of the batch, we first within each response, as the papers write it. Equal
        # when the chosen responses are equally long, or when each counts by its length.
        pytest.param(
            RPO(beta=0.3, alpha=0.7),
            {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.7], "beta": 0.3},
            [replace(pair, chosen_ids=(*pair.chosen_ids[:2], END)) for pair in PAIRS],
            id="rpo",
        ),
        pytest.param(
            SFT(),
            {"loss_type": ["sft"]},
            [replace(pair, weight=len(pair.chosen_ids) / MEAN_LENGTH) for pair in PAIRS],
            id="sft",
        ),
    ],
)
def test_equals_the_dpo_trainer(
    objective: Objective,
    loss: dict[str, Any],
    pairs: Sequence[PreferencePair],
    trainer: Callable[..., Any],
    policy: Any,
    reference: Any,
) -> None:
    rows = [
        {name: list(getattr(pair, name)) for name in ("prompt_ids", "chosen_ids", "rejected_ids")}
        for pair in pairs
    ]
    theirs = trainer(DPOTrainer, DPOConfig, loss, model=policy, ref_model=reference)
    batch = dict(DataCollatorForPreference(pad_token_id=END)(rows))
    their_loss = theirs._compute_loss(policy, batch, return_outputs=False)
    assert_equal_loss_and_gradient(policy, our_loss(objective, policy, reference, pairs), their_loss)


def test_simpo_equals_the_cpo_trainer(trainer: Callable[..., Any], policy: Any, reference: Any) -> None:
    """TRL's γ is the margin itself, ours relative to β as its authors tune it; `cpo_alpha` 0 leaves SimPO alone."""
    loss = {
        "loss_type": "simpo",
        "beta": 2.0,
        "simpo_gamma": 1.0,
        "cpo_alpha": 0.0,
        "remove_unused_columns": False,
    }
    theirs = trainer(CPOTrainer, CPOConfig, loss, model=policy)
    rows = []
    for pair in PAIRS:
        row: dict[str, Any] = {}
        for side, response in (("chosen", pair.chosen_ids), ("rejected", pair.rejected_ids)):
            ids = [*pair.prompt_ids, *response]
            row[f"{side}_input_ids"] = ids
            row[f"{side}_attention_mask"] = [1] * len(ids)
            row[f"{side}_labels"] = [-100] * len(pair.prompt_ids) + list(response)
        rows.append(row)
    their_loss, _ = theirs.get_batch_loss_metrics(policy, theirs.data_collator(rows))
    ours = our_loss(SimPO(beta=2.0, gamma_beta_ratio=0.5), policy, reference, PAIRS)
    assert_equal_loss_and_gradient(policy, ours, their_loss)
