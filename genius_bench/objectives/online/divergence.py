"""The distance KL(π_θ‖π_ref) as single tokens tell it: x = log π_ref − log π_θ, in nats.

All three have the divergence as their mean (k2 nearly), but as a loss it is the gradient by log π_θ that counts, and
its mean is the divergence's for k2 (−x) and for k3·ρ (−ρx), not for k3 (1 − eˣ) and not for k1 (−1, nothing at all).
"""

from collections.abc import Callable

from torch import Tensor

Estimator = Callable[[Tensor], Tensor]


def k1(x: Tensor) -> Tensor:
    return -x


def k2(x: Tensor) -> Tensor:
    return x**2 / 2


def k3(x: Tensor) -> Tensor:
    return x.expm1() - x


def of_responses(estimator: Estimator, policy: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """[rows]: an estimator's sum over each response's tokens, without gradient: what goes into a reward."""
    return estimator((reference - policy).detach().masked_fill(~mask, 0.0)).sum(dim=1)
