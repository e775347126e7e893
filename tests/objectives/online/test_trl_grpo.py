"""The same responses in our token-level losses and in `GRPOTrainer._compute_loss` of TRL 1.16: values and gradients."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from trl import GRPOTrainer

from genius_bench.objectives.online.correction import masked_sequences, truncated
from genius_bench.objectives.online.named import DAPO, GRPO, GSPO, RLOO, DrGRPO, TokenMean
from genius_bench.objectives.online.objective import TokenObjective

from .group import LENGTHS, LONGEST, MASK, MISMATCH, OLD, POLICY, REFERENCE, REWARDS, of_group


class OneProcess:
    num_processes, sync_gradients, device = 1, True, torch.device("cpu")

    def gather(self, values: Tensor) -> Tensor:
        return values

    def reduce(self, values: Tensor, reduction: str = "sum") -> Tensor:
        return values


def of_trl(policy: Tensor, advantages: list[float], rows: list[int], settings: dict[str, Any]) -> Tensor:
    """Its loss of one micro batch among those of an accumulated step."""
    cut = len(REWARDS) // len(rows)
    trainer = SimpleNamespace(
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level=settings.get("level", "token"),
        beta=settings.get("beta", 0.0),
        loss_type=settings["loss_type"],
        epsilon_low=settings.get("low", 0.2),
        epsilon_high=settings.get("high", 0.2),
        use_vllm="correction" in settings,
        vllm_importance_sampling_correction=True,
        max_completion_length=LONGEST,
        model=SimpleNamespace(training=True),
        aux_loss_enabled=False,
        current_gradient_accumulation_steps=cut,
        accelerator=OneProcess(),
        _entropy_bonus_enabled=False,
        _metrics={"train": defaultdict(list)},
        args=SimpleNamespace(
            delta=settings.get("delta"),
            use_bias_correction_kl=settings.get("unbiased", True),
            steps_per_generation=cut,
        ),
        _get_per_token_logps_and_entropies=lambda *_, **__: (policy[rows], torch.zeros_like(OLD[rows]), None),
    )
    inputs = {
        "prompt_ids": torch.zeros(len(rows), 1, dtype=torch.long),
        "prompt_mask": torch.ones(len(rows), 1, dtype=torch.long),
        "completion_ids": torch.zeros(len(rows), LONGEST, dtype=torch.long),
        "completion_mask": MASK[rows].double(),
        "advantages": torch.tensor(advantages, dtype=torch.float64)[rows],
        "old_per_token_logps": OLD[rows],
        "ref_per_token_logps": REFERENCE[rows],
        "num_items_in_batch": torch.tensor(sum(LENGTHS)),
    }
    if "correction" in settings:
        inputs["importance_sampling_ratio"] = settings["correction"][rows]
    loss: Tensor = GRPOTrainer._compute_loss(trainer, None, inputs)
    return loss


@pytest.mark.parametrize("micro_batches", [[[0, 1, 2, 3]], [[0, 2], [1, 3]], [[0], [1], [2], [3]]])
@pytest.mark.parametrize(
    ("objective", "settings"),
    [
        pytest.param(GRPO(beta=0), {"loss_type": "grpo"}, id="grpo"),
        pytest.param(DAPO(), {"loss_type": "dapo", "high": 0.28}, id="dapo"),
        pytest.param(DrGRPO(length=LONGEST, beta=0), {"loss_type": "dr_grpo"}, id="dr-grpo"),
        pytest.param(RLOO(beta=0), {"loss_type": "luspo"}, id="rloo"),
        pytest.param(
            GSPO(beta=0), {"loss_type": "grpo", "level": "sequence", "low": 3e-4, "high": 4e-4}, id="gspo"
        ),
        pytest.param(TokenMean(dual_clip=1.5, beta=0), {"loss_type": "dapo", "delta": 1.5}, id="dual-clip"),
        pytest.param(GRPO(kl="k3", beta=0.3), {"loss_type": "grpo", "beta": 0.3, "unbiased": False}, id="k3"),
        pytest.param(
            TokenMean(kl="corrected-k3", beta=0.3), {"loss_type": "dapo", "beta": 0.3}, id="corrected-k3"
        ),
        pytest.param(
            DAPO(kl="corrected-k3", beta=0.3, correction="token", cap=1.3),
            {"loss_type": "dapo", "high": 0.28, "beta": 0.3, "correction": truncated(MISMATCH, 1.3)},
            id="truncated-weights",
        ),
        pytest.param(
            GRPO(beta=0, correction="sequence", cap=3.0),
            {"loss_type": "grpo", "correction": masked_sequences(MISMATCH, 3.0)},
            id="masked-sequences",
        ),
    ],
)
def test_equals_the_grpo_trainer(
    objective: TokenObjective, settings: dict[str, Any], micro_batches: list[list[int]]
) -> None:
    assert_same(objective, settings, micro_batches)


@pytest.mark.parametrize(("micro_batches", "size"), [([[0, 1], [2, 3]], 2), ([[0], [1], [2], [3]], 1)])
def test_equals_its_former_default_with_the_micro_batch_as_a_setting(
    micro_batches: list[list[int]], size: int
) -> None:
    """What TRL accumulates over its micro batches, we compute of the step at once."""
    objective = TokenMean(reduction="micro-batch", micro_batch=size, beta=0)
    assert_same(objective, {"loss_type": "bnpo"}, micro_batches)


def assert_same(objective: TokenObjective, settings: dict[str, Any], micro_batches: list[list[int]]) -> None:
    policy = POLICY.clone().requires_grad_()
    advantages = objective.advantages([REWARDS])[0]
    of_parts = [of_trl(policy, advantages, rows, settings) for rows in micro_batches]
    theirs = torch.stack(of_parts).sum()
    engine = {"old": OLD, "sampled": OLD - MISMATCH} if "correction" in settings else {}
    weights = objective.weights(LENGTHS)
    ours, _ = objective(of_group(advantages, weights, now=policy, reference=REFERENCE, **engine))
    (our_gradient,) = torch.autograd.grad(ours, policy)
    (their_gradient,) = torch.autograd.grad(theirs, policy)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-12)
    assert their_gradient.abs().max() > 1e-2
    torch.testing.assert_close(our_gradient, their_gradient, rtol=0, atol=1e-12)


def test_a_divergence_by_k2_has_the_gradient_that_trl_corrects_k3_to_have() -> None:
    """On-policy: with the sampler's weights still in place."""
    advantages = [0.0] * 4
    gradients: list[Tensor] = []
    for kl in ("k2", "corrected-k3"):
        policy = POLICY.clone().requires_grad_()
        objective = TokenMean(kl=kl, beta=1.0)
        weights = objective.weights(LENGTHS)
        loss, _ = objective(of_group(advantages, weights, now=policy, sampled=POLICY, reference=REFERENCE))
        gradients += torch.autograd.grad(loss, policy)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)
