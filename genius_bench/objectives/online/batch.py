"""What a token-level loss sees of a step's responses."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TokenBatch:
    """Some responses of an optimiser step, in whatever cut: what their losses need of the rest is in two of the fields.

    Log-probabilities are in nats, of shape [rows, tokens]; only `now` carries gradient. What stands where `mask` is
    False does not matter.
    """

    now: Tensor
    """log π_θ, the weights that are trained."""
    sampled: Tensor
    """What the engine said when it drew the token."""
    mask: Tensor
    """True for response tokens in the loss: no padding, nothing of a response that the loss leaves out."""
    advantages: Tensor
    """[rows], of the whole step's rewards (`TokenObjective.advantages`)."""
    weights: Tensor
    """[rows], of the whole step's lengths (`TokenObjective.weights`): what a token of the row counts."""
    reference: Tensor | None = None
    """log π_ref; None where the objective does not ask for it."""
    old: Tensor | None = None
    """The trainer's log-probability by the weights that drew; None where it is the engine's, as of one living model."""

    @property
    def log_ratio(self) -> Tensor:
        """log π_θ − log π_old, 0 outside the mask."""
        old = self.sampled if self.old is None else self.old
        return (self.now - old).masked_fill(~self.mask, 0.0)

    @property
    def mismatch(self) -> Tensor | None:
        """log π_old − log π_engine, two readings of the same weights; 0 outside the mask, None where they are one."""
        return None if self.old is None else (self.old - self.sampled).masked_fill(~self.mask, 0.0)

    @property
    def reference_gap(self) -> Tensor:
        """x = log π_ref − log π_θ, 0 outside the mask. Raises `ValueError` where there is no reference."""
        if self.reference is None:
            raise ValueError("this objective needs the reference's log-probabilities")
        return (self.reference - self.now).masked_fill(~self.mask, 0.0)
