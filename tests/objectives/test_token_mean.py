"""The token-level loss, held against values that were computed apart and against another way to cut a step."""

import pytest
import torch
from torch import Tensor

from genius_bench.objectives.token_mean import StepCounts, TokenBatch, TokenMean

LENGTHS = (3, 5, 2, 6)
GAPS = [
    [0.05, 0.3, -0.02],
    [-0.1, 0.22, 0.0, 0.04, -0.25],
    [-0.3, 0.1],
    [0.08, -0.05, 1.3, 0.0, -0.4, 0.02],
]
"""log π_θ − log π_old of 16 tokens of four responses."""
TO_REFERENCE = [
    [0.1, -0.2, 0.0],
    [0.05, 0.4, -0.3, 0.0, 0.02],
    [-0.15, 0.25],
    [0.0, 0.1, -0.6, 0.3, -0.05, 0.2],
]
"""log π_ref − log π_θ of the same tokens."""


def padded(rows: list[list[float]]) -> Tensor:
    return torch.tensor([[*row, *[3.0] * (6 - len(row))] for row in rows], dtype=torch.float64)


def batch(rows: list[int], advantages: list[float]) -> TokenBatch:
    sampled = torch.full((len(rows), 6), -1.0, dtype=torch.float64)
    now = (sampled + padded([GAPS[row] for row in rows])).requires_grad_()
    return TokenBatch(
        now=now,
        sampled=sampled,
        reference=now.detach() + padded([TO_REFERENCE[row] for row in rows]),
        mask=torch.tensor([[place < LENGTHS[row] for place in range(6)] for row in rows]),
        advantages=torch.tensor([advantages[row] for row in rows], dtype=torch.float64),
    )


STEP = StepCounts(4, 16)
ADVANTAGES = [0.865875429761, 0.865875429761, -0.865875429761, -0.865875429761]


@pytest.mark.parametrize(("high", "expected"), [(0.28, 0.116199938381), (0.2, 0.123022859836)])
def test_the_mean_over_the_steps_tokens(high: float, expected: float) -> None:
    loss, logged = TokenMean(kl=0, clip_high=high)(batch([0, 1, 2, 3], ADVANTAGES), STEP)
    assert loss.item() == pytest.approx(expected, abs=1e-9)
    assert float(logged["clip_low"]) == 0.125
    assert float(logged["kl"]) == pytest.approx(0.026826497712, abs=1e-7)
    pulled, _ = TokenMean(kl=0.005, clip_high=high)(batch([0, 1, 2, 3], ADVANTAGES), STEP)
    assert float(pulled) == pytest.approx(expected + 0.005 * 0.027825, abs=1e-9)


def test_it_does_not_depend_on_how_a_step_is_cut() -> None:
    parts = [TokenMean()(batch(rows, ADVANTAGES), STEP)[0] for rows in ([0, 2], [1, 3])]
    whole = TokenMean()(batch([0, 1, 2, 3], ADVANTAGES), STEP)[0]
    assert float(sum(parts)) == pytest.approx(float(whole), abs=1e-12)


def test_the_gradient_of_the_kl_is_the_log_ratio_and_padding_has_none() -> None:
    """d/d log π_θ of ½(log π_ref − log π_θ)² is −x: at a gap of 0.4 it is −0.4."""
    made = batch([1], [0.0] * 4)
    loss, _ = TokenMean(kl=1.0)(made, StepCounts(1, 1))
    [gradient] = torch.autograd.grad(loss, made.now)
    assert gradient[0, :5].tolist() == pytest.approx([-gap for gap in TO_REFERENCE[1]])
    assert gradient[0, 5] == 0
