"""Token-level losses against numbers worked out apart in float64, and the promise that no cut of a step matters."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genius_bench import registry
from genius_bench.errors import InputError
from genius_bench.objectives.interface import build_objective
from genius_bench.objectives.online import divergence
from genius_bench.objectives.online.correction import masked_sequences, truncated
from genius_bench.objectives.online.named import DAPO, GRPO, GSPO, RLOO, DrGRPO, TokenMean
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.objectives.online.ratios import sequence_ratio, token_ratio

from .group import (
    GAP,
    LENGTHS,
    LONGEST,
    MASK,
    MISMATCH,
    MOVED,
    OLD,
    POLICY,
    REFERENCE,
    REWARDS,
    of_group,
    of_tokens,
    rows_of,
)

PLAIN: dict[str, Any] = {"beta": 0.0}
TRL_ADVANTAGES = [0.865875429761, 0.865875429761, -0.865875429761, -0.865875429761]
"""With TRL's 1e-4 beside the standard deviation, for which most of the numbers were computed."""


def weights_of(objective: TokenObjective, lengths: list[int] = LENGTHS) -> Tensor:
    return objective.weights(lengths)


def loss_of(objective: TokenObjective, advantages: list[float] | None = None, **changes: Any) -> float:
    given = objective.advantages([REWARDS])[0] if advantages is None else advantages
    return objective(of_group(given, weights_of(objective), **changes))[0].item()


@pytest.mark.parametrize(
    ("objective", "advantages", "expected"),
    [
        (GRPO(**PLAIN), TRL_ADVANTAGES, 0.067366874256),
        (DAPO(), TRL_ADVANTAGES, 0.116199938381),
        (TokenMean(**PLAIN), TRL_ADVANTAGES, 0.123022859836),
        (DrGRPO(length=LONGEST, **PLAIN), None, 0.047359722352),
        (TokenMean(dual_clip=3.0, **PLAIN), None, 0.086817272846),
        (GSPO(**PLAIN), TRL_ADVANTAGES, 0.040846724433),
        (GRPO(kl="k3"), TRL_ADVANTAGES, 0.067485502483),
        (GRPO(kl="corrected-k3"), TRL_ADVANTAGES, 0.067577160767),
        (GRPO(kl="reward-k1"), TRL_ADVANTAGES, 0.067366874256),
    ],
)
def test_loss_vectors(objective: TokenObjective, advantages: list[float] | None, expected: float) -> None:
    assert loss_of(objective, advantages, reference=REFERENCE) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("objective", "advantages", "expected"),
    [
        (GRPO(**PLAIN), TRL_ADVANTAGES, [-0.072156285813, -0.043293771488, 0.10823442872, 0.036078142907]),
        (DrGRPO(length=LONGEST, **PLAIN), [0.5, 0.5, -0.5, -0.5], [-1 / 48, -1 / 48, 1 / 48, 1 / 48]),
        (DAPO(), TRL_ADVANTAGES, [-0.05411721436, -0.05411721436, 0.05411721436, 0.05411721436]),
        # −A/N on every token: the sum over the response is what REINFORCE weighs.
        (RLOO(**PLAIN), [2 / 3, 2 / 3, -2 / 3, -2 / 3], [-1 / 6, -1 / 6, 1 / 6, 1 / 6]),
        # A sequence's ratio shares its gradient among its tokens, as GRPO's mean does.
        (GSPO(**PLAIN), TRL_ADVANTAGES, [-0.072156285813, -0.043293771488, 0.10823442872, 0.036078142907]),
    ],
)
def test_the_first_gradient_of_each_token(
    objective: TokenObjective, advantages: list[float], expected: list[float]
) -> None:
    """With ratios of 1 the value says nothing (advantages are balanced), the gradient is the method."""
    policy = OLD.clone().requires_grad_()
    objective(of_group(advantages, weights_of(objective), now=policy))[0].backward()
    assert policy.grad is not None
    for row, length, value in zip(policy.grad.tolist(), LENGTHS, expected, strict=True):
        assert row == pytest.approx([value] * length + [0.0] * (LONGEST - length), abs=1e-9)


def test_ratios() -> None:
    assert of_tokens(token_ratio(MOVED, MASK))[2] == pytest.approx([0.740818220682, 1.105170918076], abs=1e-9)
    ratio = sequence_ratio(MOVED, MASK)
    assert ratio.shape == MOVED.shape
    assert ratio[:, 0].tolist() == pytest.approx(
        [1.116278070459, 0.982161032358, 0.904837418036, 1.171556648511], abs=1e-9
    )


def test_divergences_of_each_token() -> None:
    of_k3 = of_tokens(divergence.k3(GAP))
    assert of_k3[1] == pytest.approx(
        [0.001271096376, 0.091824697641, 0.040818220682, 0.0, 0.000201340027], abs=1e-9
    )
    means = [
        estimator(GAP)[MASK].mean().item() for estimator in (divergence.k1, divergence.k2, divergence.k3)
    ]
    assert means == pytest.approx([-0.0075, 0.027825, 0.026826497712], abs=1e-9)


@pytest.mark.parametrize(
    ("kl", "slope"), [("k2", -0.4), ("k3", 1 - math.exp(0.4)), ("corrected-k3", -0.4), ("reward-k3", 0.0)]
)
def test_gradient_of_the_divergence(kl: Any, slope: float) -> None:
    """One token of one response, x = 0.4, on-policy and without a reward: k3 alone pulls harder than the divergence."""
    policy = torch.tensor([[-1.0]], dtype=torch.float64, requires_grad=True)
    objective = TokenMean(beta=1.0, kl=kl)
    one, here = torch.ones(1, dtype=torch.float64), policy.detach()
    at = of_group([0.0], one, now=policy, sampled=here, mask=torch.ones(1, 1).bool(), reference=here + 0.4)
    objective(at)[0].backward()
    assert policy.grad is not None
    assert policy.grad.item() == pytest.approx(slope, abs=1e-9)


def test_a_divergence_in_the_reward_is_a_sum_over_the_response() -> None:
    first = TokenMean(beta=0.1, kl="reward-k1").penalties(POLICY, REFERENCE, MASK)
    assert first.tolist() == pytest.approx([0.01, -0.017, -0.01, 0.005], abs=1e-9)
    third = TokenMean(beta=0.1, kl="reward-k3").penalties(POLICY, REFERENCE + 1.0 * ~MASK, MASK)
    assert third[2].item() == pytest.approx(0.1 * (0.010707976425 + 0.034025416688), abs=1e-9)
    assert TokenMean(beta=0.1).penalties(POLICY, REFERENCE, MASK).tolist() == [0.0] * 4


def test_weights_for_an_engine_that_differs() -> None:
    assert of_tokens(truncated(MISMATCH, 1.3))[1] == pytest.approx(
        [1.3, 1.22140275816, 1.105170918076, 1.3, 1.161834242728], abs=1e-9
    )
    assert masked_sequences(MISMATCH, 3.0).flatten().tolist() == pytest.approx(
        [0.990049833749, 0.0, 1.0, 0.537944437595], abs=1e-9
    )


def test_a_correction_is_not_differentiated_though_the_policy_stand_for_the_old_weights() -> None:
    mismatch = MISMATCH.clone().requires_grad_()
    assert not truncated(mismatch, 2.0).requires_grad
    assert not masked_sequences(mismatch, 2.0).requires_grad


def test_a_correction_weighs_the_surrogate_and_not_the_divergence() -> None:
    engine: dict[str, Any] = {"old": OLD, "sampled": OLD - MISMATCH, "reference": REFERENCE}
    parts = {}
    for beta in (0.0, 0.5):
        corrected = GRPO(beta=beta, correction="sequence", cap=3.0)
        parts[beta] = loss_of(corrected, **engine) - loss_of(GRPO(beta=beta), reference=REFERENCE)
    assert abs(parts[0.0]) > 0.01
    assert parts[0.5] == pytest.approx(parts[0.0], abs=1e-12)


def test_metrics_are_sums_over_tokens() -> None:
    objective = TokenMean(dual_clip=3.0)
    _, sums = objective(
        of_group(TRL_ADVANTAGES, weights_of(objective), reference=REFERENCE, old=OLD, sampled=OLD - MISMATCH)
    )
    values = {name: value.item() for name, value in sums.items()}
    assert values == pytest.approx(
        {
            "clip_low": 2.0,
            "clip_high": 2.0,
            "clip_dual": 1.0,
            "kl": 16 * 0.026826497712,
            "mismatch": 1.86,
            "correction": MISMATCH[MASK].exp().sum().item(),
        }
    )


def test_a_response_left_out_of_the_loss_keeps_its_advantage_and_its_place() -> None:
    """The published number for DAPO; a mean over responses still divides by four."""
    mask, lengths = MASK.clone(), [3, 5, 2, 0]
    mask[3] = False
    for objective, expected in ((DAPO(), -0.552153570423), (GRPO(**PLAIN), None)):
        weights = weights_of(objective, lengths)
        value = objective(of_group(TRL_ADVANTAGES, weights, mask=mask))[0].item()
        whole = of_group(TRL_ADVANTAGES, weights_of(objective))
        first_three = objective(rows_of(whole, [0, 1, 2]))[0].item()
        assert value == pytest.approx(first_three if expected is None else expected, abs=1e-9)


def test_the_releases_mean_depends_on_neighbours() -> None:
    """Responses 1 and 3 beside each other, then 2 and 4."""
    objective = TokenMean(clip_high=0.28, reduction="micro-batch", micro_batch=2, beta=0.0)
    order = [0, 2, 1, 3]
    whole = rows_of(of_group(TRL_ADVANTAGES, torch.ones(4)), order)
    weights = weights_of(objective, [LENGTHS[place] for place in order])
    assert objective(rows_of(whole, [0, 1, 2, 3], weights=weights))[0].item() == pytest.approx(0.018090157595)
    with pytest.raises(InputError, match="step of 4 responses cannot be cut into micro batches of 3"):
        weights_of(TokenMean(reduction="micro-batch", micro_batch=3))


def test_what_stands_in_the_padding_does_not_matter() -> None:
    policy = POLICY.masked_fill(~MASK, -math.inf).requires_grad_()
    junk = OLD.masked_fill(~MASK, math.nan)
    objective = GSPO(kl="corrected-k3")
    given = (objective.advantages([REWARDS])[0], weights_of(objective))
    clean = objective(of_group(*given, old=OLD, sampled=OLD - MISMATCH, reference=REFERENCE))
    loss, sums = objective(
        of_group(*given, now=policy, old=junk, sampled=junk - MISMATCH, reference=junk + MOVED + GAP)
    )
    loss.backward()
    assert loss.item() == pytest.approx(clean[0].item(), abs=1e-12)
    torch.testing.assert_close(sums, clean[1])
    assert policy.grad is not None
    assert policy.grad.isfinite().all()
    assert policy.grad[~MASK].tolist() == [0.0] * (4 * LONGEST - sum(LENGTHS))


OBJECTIVES = [
    TokenMean(),
    GRPO(kl="k3", beta=0.1),
    DrGRPO(length=9, kl="corrected-k3", beta=0.1),
    DAPO(dual_clip=1.5),
    GSPO(correction="sequence"),
    RLOO(),
    TokenMean(reduction="micro-batch", micro_batch=3),
]


@st.composite
def steps(draw: st.DrawFn) -> tuple[list[list[int]], list[int], int]:
    """Twelve responses in an order cut at random places, their lengths (0: left out), and a seed for the rest."""
    order = draw(st.permutations(range(12)))
    places = sorted(draw(st.sets(st.integers(1, 11))))
    bounds = [0, *places, 12]
    cut = [list(order[start:end]) for start, end in pairwise(bounds)]
    return cut, draw(st.lists(st.integers(0, 6), min_size=12, max_size=12)), draw(st.integers(0, 10**6))


@settings(deadline=None, max_examples=40)
@given(step=steps())
def test_no_cut_of_a_step_changes_its_gradient(step: tuple[list[list[int]], list[int], int]) -> None:
    """Whatever the micro batches and processes: their parts, each with its own padding, add up to the step."""
    cut, lengths, seed = step
    random = torch.Generator().manual_seed(seed)

    def some() -> Tensor:
        return torch.randn(12, 6, generator=random, dtype=torch.float64) / 3

    old = some() - 2
    policy, sampled, reference = old + some(), old + some(), old + some()
    rewards = torch.randn(3, 4, generator=random).tolist()
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    for objective in OBJECTIVES:
        advantages = [value for group in objective.advantages(rewards) for value in group]
        given = (advantages, weights_of(objective, lengths))
        leaf = policy.clone().requires_grad_()
        others: dict[str, Any] = {"sampled": sampled, "old": old, "reference": reference, "mask": mask}
        whole = of_group(*given, now=leaf, **others)
        loss, sums = objective(whole)
        (gradient,) = torch.autograd.grad(loss, leaf)
        parts = [
            objective(shortened(rows_of(whole, rows), max(lengths[row] for row in rows))) for rows in cut
        ]
        (of_parts,) = torch.autograd.grad(sum((part for part, _ in parts), torch.zeros(())), leaf)
        torch.testing.assert_close(of_parts, gradient, rtol=1e-10, atol=1e-12)
        for name, value in sums.items():
            assert sum(part[name].item() for _, part in parts) == pytest.approx(value.item(), abs=1e-9)


def shortened(batch: Any, longest: int) -> Any:
    """Padded to these rows' own longest response."""
    matrices = {name: value[:, :longest] for name, value in vars(batch).items() if value.dim() == 2}
    return rows_of(batch, list(range(len(batch.weights))), **matrices)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "grpoo"}, "unknown token objective 'grpoo': did you mean 'grpo'"),
        ({"name": "dr-grpo"}, "reduction: constant needs length"),
        ({"name": "grpo", "length": 4}, "length has an effect with reduction: constant only"),
        ({"name": "dapo", "reduction": "micro-batch"}, "reduction: micro-batch needs micro_batch"),
        ({"name": "dapo", "dual_clip": 1}, "dual_clip"),
        ({"name": "gspo", "kl": "k1"}, "objective.kl"),
        ({"name": "grpo", "beta": -1}, "objective.beta"),
    ],
)
def test_a_wrong_section_is_one_clear_line(section: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as problem:
        build_objective(section, "token_objectives")
    assert "\n" not in str(problem.value)


def test_every_name_builds_with_its_defaults() -> None:
    for name in registry.names("token_objectives"):
        given = {"length": 6} if name == "dr-grpo" else {}
        built = build_objective({"name": name, **given}, "token_objectives")
        assert built.name == name
        assert built.needs_reference is (name != "dapo")


def test_a_reference_that_is_needed_must_be_there() -> None:
    with pytest.raises(ValueError, match="needs the reference"):
        loss_of(GRPO())
