"""Objectives against numbers worked out by hand, float64 formulas written again, and what the paper implies."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genius_bench import registry
from genius_bench.errors import InputError
from genius_bench.objectives.aco import ACO, Weighting, calibration_weight
from genius_bench.objectives.cdpo import CDPO
from genius_bench.objectives.dpo import DPO
from genius_bench.objectives.interface import Objective, ObjectiveBatch, build_objective
from genius_bench.objectives.ipo import IPO
from genius_bench.objectives.robust import RobustDPO
from genius_bench.objectives.ropo import ROPO
from genius_bench.objectives.rpo import RPO
from genius_bench.objectives.scpo import ScPO
from genius_bench.objectives.sft import SFT
from genius_bench.objectives.sharpening import SharpeningLoss
from genius_bench.objectives.simpo import SimPO


def batch(
    chosen_ratio: float = 2.0,
    rejected_ratio: float = -3.0,
    gap: float = 0.0,
    reference: float = -10.0,
    rows: int = 1,
    **changes: Tensor,
) -> ObjectiveBatch:
    def full(value: float) -> Tensor:
        return torch.full((rows,), value)

    values = {
        "policy_chosen": full(reference + chosen_ratio),
        "policy_rejected": full(reference + rejected_ratio),
        "reference_chosen": full(reference),
        "reference_rejected": full(reference),
        "chosen_length": full(4.0),
        "rejected_length": full(5.0),
        "chosen_advantage": full(-0.1),
        "rejected_advantage": full(-0.1 + gap),
        "weight": full(1.0),
    }
    return ObjectiveBatch(**values | changes)


RATIOS = batch()
MEANS = batch(policy_chosen=torch.tensor([4 * -0.5]), policy_rejected=torch.tensor([5 * -0.7]))
RATIOS_AND_MEANS = batch(reference=-4.0)
"""Log-ratios 2 and −3 as everywhere, and a mean chosen log-probability of −0.5."""


@pytest.mark.parametrize(
    ("objective", "at", "expected"),
    [
        (DPO(beta=0.1), RATIOS, 0.474077),
        (ACO(), batch(gap=0.2), 0.494957),
        (ACO(), batch(gap=-0.2), 0.474077),
        (ACO(weighting="max"), batch(gap=0.2), 0.474077),
        (ACO(weighting="max"), batch(gap=-0.2), 0.449516),
        (ACO(weighting="none"), batch(gap=0.2), 0.474077),
        (CDPO(beta=0.1, epsilon=0.1), RATIOS, 0.524077),
        (RobustDPO(beta=0.1, epsilon=0.1), RATIOS, 0.411577),
        (IPO(tau=0.5, average="sum"), RATIOS, 16.0),
        (IPO(tau=0.5), RATIOS, (2 / 4 + 3 / 5 - 1) ** 2),
        (SimPO(beta=2.5, gamma_beta_ratio=0.55), MEANS, 1.223445),
        (ROPO(beta=0.1, alpha=2), RATIOS, 1.092585),
        (RPO(beta=0.1, alpha=1), RATIOS_AND_MEANS, 0.974077),
        (RPO(beta=0.5, alpha=1), RATIOS_AND_MEANS, 0.578890),
        (ScPO(), batch(reference=-4.0, weight=torch.tensor([0.625])), 0.361806),
        # What the published code of Genius has instead.
        (SimPO(beta=0.1, gamma_beta_ratio=10), MEANS, 1.298680),
        (ROPO(beta=0.1, alpha=2, scale=0.1125), RATIOS, 0.122916),
    ],
)
def test_loss_vectors(objective: Objective, at: ObjectiveBatch, expected: float) -> None:
    assert objective(at)[0].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("gap", "weighting", "expected"),
    [
        (0.2, "min", 0.818731),
        (-0.2, "min", 1.0),
        (0.2, "max", 1.0),
        (-0.2, "max", 1.221403),
        (9.0, "none", 1.0),
    ],
)
def test_calibration_weight_vectors(gap: float, weighting: Weighting, expected: float) -> None:
    assert calibration_weight(torch.tensor(gap), 1.0, weighting).item() == pytest.approx(expected, abs=1e-6)


def test_the_paper_weight_survives_an_extreme_gap() -> None:
    gaps = torch.tensor([-1e4, 1e4])
    assert calibration_weight(gaps, 1.0).tolist() == [1.0, 0.0]


def test_every_loss_starts_at_log_two() -> None:
    start = batch(chosen_ratio=0.0, rejected_ratio=0.0, gap=0.7)
    for objective in (DPO(), ACO(), ACO(weighting="max"), CDPO(epsilon=0.3), RobustDPO(epsilon=0.3)):
        assert objective(start)[0].item() == pytest.approx(math.log(2), abs=1e-6)


def test_sft_is_the_mean_over_response_tokens() -> None:
    loss, metrics = SFT()(
        batch(policy_chosen=torch.tensor([-2.0, -9.0]), chosen_length=torch.tensor([4.0, 3.0]))
    )
    assert loss.item() == pytest.approx((0.5 + 3.0) / 2)
    assert metrics["nats_per_token"].item() == pytest.approx(1.75)


def test_the_weight_of_a_row_scales_its_loss() -> None:
    plain, _ = DPO(beta=0.5)(batch())
    weighted, _ = DPO(beta=0.5)(batch(weight=torch.tensor([0.625])))
    assert weighted.item() == pytest.approx(0.625 * plain.item(), abs=1e-6)


def test_same_beam_pairs_are_not_calibrated() -> None:
    """A^l − A^w = f^l − f^w ≤ 0 when both come from one beam: exactly DPO, in value and metrics."""
    value, chosen_f, rejected_f = -0.4, torch.tensor([-0.2, -0.3]), torch.tensor([-0.5, -0.3])
    pair = batch(rows=2, chosen_advantage=chosen_f - value, rejected_advantage=rejected_f - value)
    aco, metrics = ACO()(pair)
    assert aco.item() == DPO()(pair)[0].item()
    assert metrics["calibration/weight"].item() == 1.0
    assert metrics["calibration/share"].item() == 0.0


def test_metrics_tell_margin_accuracy_and_calibration() -> None:
    _, metrics = ACO(beta=0.1)(batch(gap=0.2))
    values = {name: round(value.item(), 5) for name, value in metrics.items()}
    assert values == {
        "rewards/chosen": 0.2,
        "rewards/rejected": -0.3,
        "rewards/margin": 0.5,
        "rewards/accuracy": 1.0,
        "calibration/weight": 0.81873,
        "calibration/share": 1.0,
    }
    assert not any(value.requires_grad for value in metrics.values())


ratios = st.floats(-60, 60)


def measured(
    objective: Objective, chosen: float, rejected: float, gap: float = 0.0, length: float | None = None
) -> tuple[float, float, float]:
    """The loss of one pair with these log-ratios, and its derivative by each."""
    policy_chosen = torch.tensor([chosen], requires_grad=True)
    policy_rejected = torch.tensor([rejected], requires_grad=True)
    at = batch(reference=0.0, gap=gap, policy_chosen=policy_chosen, policy_rejected=policy_rejected)
    if length:
        at = replace(at, chosen_length=torch.tensor([length]), rejected_length=torch.tensor([length]))
    loss, _ = objective(at)
    gradient = torch.autograd.grad(loss, [policy_chosen, policy_rejected])
    return loss.item(), gradient[0].item(), gradient[1].item()


def log_sigmoid(z: Tensor) -> Tensor:
    return -torch.log1p(torch.exp(-z))


def mean_nll(b: ObjectiveBatch) -> Tensor:
    return -b.policy_chosen / b.chosen_length


def formulas(
    beta: float, alpha: float, epsilon: float
) -> dict[Objective, Callable[[ObjectiveBatch], Tensor]]:
    """Every objective beside its formula, written again from the papers for a float64 batch."""

    def z(b: ObjectiveBatch, w: Tensor | float = 1.0) -> Tensor:
        r_w, r_l = b.policy_chosen - b.reference_chosen, b.policy_rejected - b.reference_rejected
        return beta * r_w - beta * w * r_l

    def aco(b: ObjectiveBatch) -> Tensor:
        w = torch.exp(-(b.rejected_advantage - b.chosen_advantage) / alpha).clamp(max=1)
        return -log_sigmoid(z(b, w))

    def ipo(b: ObjectiveBatch) -> Tensor:
        h_w = (b.policy_chosen - b.reference_chosen) / b.chosen_length
        h_l = (b.policy_rejected - b.reference_rejected) / b.rejected_length
        return (h_w - h_l - 0.5 / beta) ** 2

    def simpo(b: ObjectiveBatch) -> Tensor:
        means = b.policy_chosen / b.chosen_length - b.policy_rejected / b.rejected_length
        return -log_sigmoid(beta * means - beta * alpha)

    def ropo(b: ObjectiveBatch) -> Tensor:
        of_dpo, of_sigmoid = 4 * alpha / (1 + alpha) ** 2, 4 * alpha**2 / (1 + alpha) ** 2
        return of_dpo * -log_sigmoid(z(b)) + of_sigmoid * torch.sigmoid(-z(b))

    return {
        ACO(beta=beta, alpha=alpha): aco,
        DPO(beta=beta): lambda b: -log_sigmoid(z(b)),
        CDPO(beta=beta, epsilon=epsilon): lambda b: (
            -(1 - epsilon) * log_sigmoid(z(b)) - epsilon * log_sigmoid(-z(b))
        ),
        RobustDPO(beta=beta, epsilon=epsilon): lambda b: (
            (-(1 - epsilon) * log_sigmoid(z(b)) + epsilon * log_sigmoid(-z(b))) / (1 - 2 * epsilon)
        ),
        IPO(tau=beta): ipo,
        IPO(tau=beta, average="sum"): lambda b: (z(b) / beta - 0.5 / beta) ** 2,
        SimPO(beta=beta, gamma_beta_ratio=alpha): simpo,
        ROPO(beta=beta, alpha=alpha): ropo,
        RPO(beta=beta, alpha=alpha): lambda b: -log_sigmoid(z(b)) + alpha * mean_nll(b),
        ScPO(beta=beta, alpha=alpha): lambda b: -log_sigmoid(z(b)) + alpha * mean_nll(b),
        SFT(): mean_nll,
        SharpeningLoss(beta=beta): lambda b: (z(b) - (b.reference_chosen - b.reference_rejected)) ** 2,
        SharpeningLoss(beta=beta, reward="mean"): lambda b: (
            (z(b) - b.reference_chosen / b.chosen_length + b.reference_rejected / b.rejected_length) ** 2
        ),
    }


def value_and_gradient(
    loss: Callable[[ObjectiveBatch], Tensor], columns: dict[str, list[float]], dtype: torch.dtype
) -> list[float]:
    """A scalar loss and its derivative by each policy log-probability."""
    at = ObjectiveBatch(**{name: torch.tensor(values, dtype=dtype) for name, values in columns.items()})
    policy = [at.policy_chosen.requires_grad_(), at.policy_rejected.requires_grad_()]
    value = loss(at)
    gradient = torch.autograd.grad(value, policy, allow_unused=True, materialize_grads=True)
    return [value.item(), *gradient[0].tolist(), *gradient[1].tolist()]


def column(low: float, high: float) -> st.SearchStrategy[list[float]]:
    # Numbers of 32 bits, so that both precisions see the same ones.
    return st.lists(st.floats(low, high, width=32), min_size=3, max_size=3)


lengths = st.lists(st.integers(1, 50).map(float), min_size=3, max_size=3)
batches = st.fixed_dictionaries(
    {
        "policy_chosen": column(-90, 0),
        "policy_rejected": column(-90, 0),
        "reference_chosen": column(-90, 0),
        "reference_rejected": column(-90, 0),
        "chosen_length": lengths,
        "rejected_length": lengths,
        "chosen_advantage": column(-2, 2),
        "rejected_advantage": column(-2, 2),
        "weight": column(0, 1),
    }
)


def assert_same(
    objective: Objective, formula: Callable[[ObjectiveBatch], Tensor], columns: dict[str, list[float]]
) -> None:
    ours = value_and_gradient(lambda b: objective(b)[0], columns, torch.float32)
    theirs = value_and_gradient(lambda b: (b.weight * formula(b)).mean(), columns, torch.float64)
    assert ours == pytest.approx(theirs, rel=2e-4, abs=2e-5), repr(objective)


@settings(deadline=None, max_examples=40)
@given(columns=batches, beta=st.floats(0.01, 3), alpha=st.floats(0.2, 5), epsilon=st.floats(0, 0.45))
def test_value_and_gradient_equal_the_formula_in_float64(
    columns: dict[str, list[float]], beta: float, alpha: float, epsilon: float
) -> None:
    for objective, formula in formulas(beta, alpha, epsilon).items():
        assert_same(objective, formula, columns)


def test_every_installed_objective_of_this_package_has_a_formula() -> None:
    ours = {
        name
        for name in registry.names("objectives")
        if registry.load("objectives", name).__module__.startswith("genius_bench.")
    }
    assert {objective.name for objective in formulas(0.1, 1.0, 0.1)} == ours


@settings(deadline=None, max_examples=30)
@given(chosen=ratios, rejected=ratios, gap=st.floats(-3, 3))
def test_a_large_alpha_is_dpo(chosen: float, rejected: float, gap: float) -> None:
    assert measured(ACO(alpha=1e9), chosen, rejected, gap) == pytest.approx(
        measured(DPO(), chosen, rejected, gap), rel=1e-5, abs=1e-6
    )


@settings(deadline=None, max_examples=30)
@given(chosen=ratios, rejected=ratios)
def test_limits_that_are_dpo(chosen: float, rejected: float) -> None:
    """No swapped pairs, no imitation, no bounded term, or no length and no reference to speak of."""
    dpo = pytest.approx(measured(DPO(), chosen, rejected), rel=1e-5, abs=1e-6)
    for objective in (CDPO(epsilon=0), RobustDPO(epsilon=0), RPO(alpha=0), RPO(alpha=1e-9)):
        assert measured(objective, chosen, rejected) == dpo
    vanishing = ROPO(alpha=1e-9, scale=1 / 4e-9)  # the normaliser tends to 4α
    assert measured(vanishing, chosen, rejected) == dpo
    single_tokens = SimPO(beta=0.1, gamma_beta_ratio=0)
    assert measured(single_tokens, chosen, rejected, length=1.0) == dpo


@settings(deadline=None, max_examples=30)
@given(chosen=ratios, rejected=ratios, epsilon=st.floats(0, 0.45))
def test_robust_dpo_is_unbiased_under_swapped_labels(chosen: float, rejected: float, epsilon: float) -> None:
    """Its defining property: with a share ε of pairs swapped, value and gradient are DPO's on clean ones."""
    value, by_chosen, by_rejected = measured(RobustDPO(epsilon=epsilon), chosen, rejected)
    swapped, by_rejected_swapped, by_chosen_swapped = measured(RobustDPO(epsilon=epsilon), rejected, chosen)
    expectation = [
        (1 - epsilon) * one + epsilon * other
        for one, other in [
            (value, swapped),
            (by_chosen, by_chosen_swapped),
            (by_rejected, by_rejected_swapped),
        ]
    ]
    assert expectation == pytest.approx(measured(DPO(), chosen, rejected), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.4])
def test_cdpo_is_content_with_a_margin_as_certain_as_its_labels(epsilon: float) -> None:
    content = math.log((1 - epsilon) / epsilon)
    assert measured(CDPO(beta=1, epsilon=epsilon), content, 0.0)[1] == pytest.approx(0, abs=1e-6)
    assert measured(CDPO(beta=1, epsilon=epsilon), content - 0.1, 0.0)[1] < 0
    assert measured(CDPO(beta=1, epsilon=epsilon), content + 0.1, 0.0)[1] > 0


@pytest.mark.parametrize("alpha", [1.5, 2.0, 14.0])
def test_ropo_is_as_steep_as_beta_where_it_is_steepest(alpha: float) -> None:
    """What its normaliser is for; the steepest point is σ(z) = (α−1)/2α."""
    beta, share = 0.5, (alpha - 1) / (2 * alpha)
    steepest = math.log(share / (1 - share)) / beta
    slopes = [-measured(ROPO(beta=beta, alpha=alpha), steepest + step, 0.0)[1] for step in (-1.0, 0.0, 1.0)]
    assert slopes[1] == max(slopes) == pytest.approx(beta, abs=1e-5)


def test_without_bound_alpha_leaves_ropo_its_bounded_term() -> None:
    for ratio in (-50.0, 0.0, 3.0):
        value, *_ = measured(ROPO(beta=1, alpha=1e9), ratio, 0.0)
        assert value == pytest.approx(4 / (1 + math.exp(ratio)), rel=1e-5)


@pytest.mark.parametrize("average", ["mean", "sum"])
def test_ipo_stops_at_its_target(average: Literal["mean", "sum"]) -> None:
    tokens = 4.0 if average == "mean" else 1.0
    at_target = measured(IPO(tau=0.1, average=average), 5.0 * tokens, 0.0)
    assert at_target == pytest.approx((0, 0, 0), abs=1e-6)


def test_scpo_is_rpo_times_the_margin_of_votes() -> None:
    """The pair's weight multiplies both terms, so a split vote pulls less in every direction."""
    weights = torch.tensor([1.0, 0.25])
    rows = batch(rows=2, reference=-4.0)
    unweighted, _ = RPO(beta=0.5).row_losses(rows)
    loss, _ = ScPO()(replace(rows, weight=weights))
    assert loss.item() == pytest.approx((weights * unweighted).mean().item())


def of_pair(
    chosen: tuple[float, float], rejected: tuple[float, float], length: float = 8.0
) -> ObjectiveBatch:
    """Log-probabilities under (policy, reference), in float64."""
    values = {"policy": 0, "reference": 1}
    columns = {f"{who}_chosen": chosen[at] for who, at in values.items()}
    columns |= {f"{who}_rejected": rejected[at] for who, at in values.items()}
    columns |= {"chosen_length": length, "rejected_length": length, "weight": 1.0}
    columns |= {"chosen_advantage": 0.0, "rejected_advantage": 0.0}
    return ObjectiveBatch(
        **{name: torch.tensor([value], dtype=torch.float64) for name, value in columns.items()}
    )


def exactly(objective: Objective, at: ObjectiveBatch) -> list[float]:
    """The loss, and its derivative by the policy's log-probability of either response."""
    policy = [at.policy_chosen.requires_grad_(), at.policy_rejected.requires_grad_()]
    loss, _ = objective(at)
    return [loss.item(), *(gradient.item() for gradient in torch.autograd.grad(loss, policy))]


@pytest.mark.parametrize(
    ("objective", "chosen", "rejected", "expected"),
    [
        (DPO(beta=0.1), (-12, -13), (-20, -18.5), [0.575939419879, -0.043782349911, 0.043782349911]),
        (RPO(beta=0.1), (-12, -13), (-20, -18.5), [2.075939419879, -0.168782349911, 0.043782349911]),
        # (0.25·0.7 − 2)² = 3.330625, by ±2·0.25·(0.25·0.7 − 2)
        (SharpeningLoss(beta=0.25), (-2.6, -3), (-5.3, -5), [3.330625, -0.9125, 0.9125]),
        # per token of 8: (0.25·0.7 − 0.25)²
        (SharpeningLoss(beta=0.25, reward="mean"), (-2.6, -3), (-5.3, -5), [0.005625, -0.0375, 0.0375]),
    ],
)
def test_values_and_gradients_of_pairs_by_hand(
    objective: Objective, chosen: tuple[float, float], rejected: tuple[float, float], expected: list[float]
) -> None:
    assert exactly(objective, of_pair(chosen, rejected)) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(ratios, ratios, ratios, ratios, st.sampled_from(["sum", "mean"]))
def test_sharpening_does_not_depend_on_who_is_called_chosen(
    one: float, at_one: float, other: float, at_other: float, reward: Literal["sum", "mean"]
) -> None:
    objective = SharpeningLoss(beta=0.3, reward=reward)
    value, by_chosen, by_rejected = exactly(objective, of_pair((one, at_one), (other, at_other)))
    assert exactly(objective, of_pair((other, at_other), (one, at_one))) == [value, by_rejected, by_chosen]
    plain, swapped = (
        objective.row_losses(of_pair(*halves))[1]
        for halves in (((one, at_one), (other, at_other)), ((other, at_other), (one, at_one)))
    )
    if at_one != at_other:
        assert all(torch.equal(plain[name], swapped[name]) for name in plain)


@pytest.mark.parametrize(
    ("beta", "optimum"),
    [
        (1.0, (0.657894736842, 0.236842105263, 0.105263157895)),
        (0.25, (0.919117647059, 0.071470588235, 0.009411764706)),
    ],
)
def test_sharpening_rests_where_probabilities_are_raised_to_a_power(
    beta: float, optimum: tuple[float, ...]
) -> None:
    """π ∝ p^(1+1/β), for p = .5, .3, .2: no pair of outcomes has anything to say there, and every pair elsewhere."""
    base = (0.5, 0.3, 0.2)
    for one, other in ((0, 1), (0, 2), (1, 2)):

        def at(policy: tuple[float, ...], one: int = one, other: int = other) -> list[float]:
            first, second = ((math.log(policy[place]), math.log(base[place])) for place in (one, other))
            return exactly(SharpeningLoss(beta=beta), of_pair(first, second))

        assert at(optimum) == pytest.approx([0, 0, 0], abs=1e-9)
        assert at(base)[1] < -1e-3, "the likelier one is to rise"


@pytest.mark.parametrize("gap", [-0.5, 0.0, 0.3, 1.5])
def test_at_initialisation_the_weight_scales_only_the_rejected_gradient(gap: float) -> None:
    beta, w = 0.1, min(1.0, math.exp(-gap))
    _, chosen, rejected = measured(ACO(beta=beta), 0.0, 0.0, gap)
    assert chosen == pytest.approx(-beta * 0.5, abs=1e-6)
    assert rejected == pytest.approx(beta * w * 0.5, abs=1e-6)


def test_no_gradient_flows_into_advantages() -> None:
    advantage = torch.tensor([0.3], requires_grad=True)
    policy = torch.tensor([-1.0], requires_grad=True)
    loss, _ = ACO()(batch(rejected_advantage=advantage, policy_chosen=policy))
    loss.backward()
    assert advantage.grad is None
    assert policy.grad is not None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "aco", "beta": 0}, "objective.beta = 0: input should be greater than 0"),
        ({"name": "aco", "alpha": -1.0}, "objective.alpha = -1.0"),
        ({"name": "dpo", "beta": math.inf}, "objective.beta = inf"),
        ({"name": "aco", "weighting": "clip"}, "objective.weighting = 'clip'"),
        ({"name": "aco", "alhpa": 2}, "unknown key 'objective.alhpa': did you mean 'alpha'?"),
        ({"name": "cdpo", "epsilon": 0.5}, "objective.epsilon = 0.5: input should be less than 0.5"),
        ({"name": "cdpo", "epsilon": math.nan}, "objective.epsilon = nan"),
        ({"name": "robust", "epsilon": -0.1}, "objective.epsilon = -0.1"),
        ({"name": "ipo", "tau": 0}, "objective.tau = 0"),
        ({"name": "ipo", "average": "token"}, "objective.average = 'token'"),
        ({"name": "ipo", "beta": 0.1}, "unknown key 'objective.beta'"),
        ({"name": "simpo", "gamma_beta_ratio": -0.5}, "objective.gamma_beta_ratio = -0.5"),
        ({"name": "ropo", "alpha": 0}, "objective.alpha = 0"),
        ({"name": "ropo", "scale": math.inf}, "objective.scale = inf"),
        ({"name": "rpo", "alpha": -1}, "objective.alpha = -1"),
        ({"name": "scpo", "beta": 0}, "objective.beta = 0"),
        ({"name": "sharpening", "beta": 0}, "objective.beta = 0"),
        ({"name": "aoc"}, "unknown objective 'aoc': did you mean 'aco'?"),
    ],
)
def test_wrong_parameters_are_refused_in_one_line(section: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build_objective(section)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", registry.names("objectives"))
def test_every_installed_objective_declares_itself(name: str) -> None:
    objective = build_objective({"name": name})
    assert objective.name == name
    assert objective.title
    assert objective.source
    assert objective.eats in ("pairs", "demonstrations")
    loss, metrics = objective(batch(rows=3))
    assert loss.shape == ()
    assert all(value.shape == () for value in metrics.values())


@pytest.mark.parametrize("name", registry.names("objectives"))
def test_an_objective_reads_only_what_it_says_it_needs(name: str) -> None:
    """What it does not need may be missing: here it is not a number."""
    objective = build_objective({"name": name})
    missing = torch.tensor([math.nan])
    unused: dict[str, Tensor] = {}
    if not objective.needs_reference:
        unused |= {"reference_chosen": missing, "reference_rejected": missing}
    if not objective.needs_advantages:
        unused |= {"chosen_advantage": missing, "rejected_advantage": missing}
    if objective.eats == "demonstrations":
        unused |= {"policy_rejected": missing, "rejected_length": missing}
    loss, metrics = objective(replace(batch(), **unused))
    assert all(math.isfinite(value.item()) for value in (loss, *metrics.values()))
