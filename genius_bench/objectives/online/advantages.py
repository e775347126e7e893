"""Advantages: how much better a response is than its group. All take the whole step's rewards, [groups, size]."""

from torch import Tensor

from genius_bench.errors import InputError

DELTA = 1e-6
"""Added to a standard deviation: verl's; TRL has 1e-4."""


def group_relative(rewards: Tensor) -> Tensor:
    """GRPO (arXiv 2402.03300): (r_i − mean r) / (std r + δ), the standard deviation of a sample (ddof 1)."""
    return centred(rewards) / (rewards.std(dim=1, keepdim=True) + DELTA)


def batch_relative(rewards: Tensor) -> Tensor:
    """Lite PPO (arXiv 2508.08221): the mean is the group's, the standard deviation that of all rewards of the step."""
    return centred(rewards) / (rewards.std() + DELTA)


def centred(rewards: Tensor) -> Tensor:
    """Dr. GRPO (arXiv 2503.20783): r_i − mean r. Exactly 0 where all rewards are equal, whatever the rounding."""
    differences = rewards - rewards.mean(dim=1, keepdim=True)
    return differences.masked_fill(silent(rewards).unsqueeze(1), 0.0)


def leave_one_out(rewards: Tensor) -> Tensor:
    """RLOO (arXiv 2402.14740): r_i less the mean of the others, which is G/(G−1)·(r_i − mean r)."""
    size = rewards.shape[1]
    return centred(rewards) * size / (size - 1)


def silent(rewards: Tensor) -> Tensor:
    """[groups]: whether a group's rewards are all equal, so that nothing is learnt from it."""
    return (rewards == rewards[:, :1]).all(dim=1)


def check_rewards(rewards: Tensor) -> None:
    """Raises `InputError` for groups of one and for a reward that is not finite."""
    if rewards.shape[1] < 2:
        raise InputError("a group of one response has no advantage: draw at least two responses to a query")
    wrong = (~rewards.isfinite()).nonzero().tolist()
    if wrong:
        group, number = wrong[0]
        value = rewards[group, number].item()
        raise InputError(
            f"the reward of response {number + 1} in group {group + 1} of this step is {value}: "
            "a reward must be a finite number"
        )
