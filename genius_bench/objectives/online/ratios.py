"""How far the policy has moved from the weights that drew. `log_ratio` is 0 outside the mask; [rows, tokens]."""

from torch import Tensor


def token_ratio(log_ratio: Tensor, mask: Tensor) -> Tensor:
    """ρ_{i,t} = π_θ/π_old of the token."""
    return log_ratio.exp()


def sequence_ratio(log_ratio: Tensor, mask: Tensor) -> Tensor:
    """GSPO (arXiv 2507.18071, Eq. 7): s_i = (π_θ(o_i)/π_old(o_i))^(1/|o_i|), the same for all tokens of a response."""
    means = log_ratio.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    return means.exp().expand_as(log_ratio)
