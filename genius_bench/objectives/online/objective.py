"""A policy-gradient loss of tokens: a choice of advantage, ratio, clip, divergence and reduction."""

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from genius_bench.objectives.interface import Metrics, NonNegative, Positive
from genius_bench.objectives.online import advantages, correction, divergence, ratios, reductions
from genius_bench.objectives.online.batch import TokenBatch
from genius_bench.objectives.online.surrogate import clipped, surrogate
from genius_bench.recipe import Section

Advantage = Literal["group", "batch", "centred", "leave-one-out"]
Ratio = Literal["token", "sequence"]
Reduction = Literal["response", "token", "constant", "micro-batch"]
Fraction = Annotated[float, Field(ge=0, le=1)]

ADVANTAGES = {
    "group": advantages.group_relative,
    "batch": advantages.batch_relative,
    "centred": advantages.centred,
    "leave-one-out": advantages.leave_one_out,
}
RATIOS = {"token": ratios.token_ratio, "sequence": ratios.sequence_ratio}
BY_LENGTHS = {"response": reductions.per_response, "token": reductions.per_token}
CORRECTIONS = {"token": correction.truncated, "sequence": correction.masked_sequences}
KL_IN_REWARD = {"reward-k1": divergence.k1, "reward-k3": divergence.k3}
KL_IN_LOSS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "k2": lambda x, ratio: divergence.k2(x),
    "k3": lambda x, ratio: divergence.k3(x),
    "corrected-k3": lambda x, ratio: divergence.k3(x) * ratio,
}


class TokenObjective(Section):
    """L = Σ_i w_i Σ_t [ c_{i,t}·ℓ(ρ_{i,t}, A_i) + β·k(π_θ, π_ref) ] over the responses of an optimiser step.

    `advantages` and `weights` are computed once of the whole step. A call then gives the part of L that comes from some
    of its rows, and parts add up: no mean depends on how the step is cut. (Whoever averages gradients over processes
    multiplies by their number.)
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and equation."""

    advantage: Advantage = "group"
    """Rewards less their group's mean, over the group's standard deviation, over the step's, or over nothing; or less
    the mean of the group's others."""
    ratio: Ratio = "token"
    """π_θ/π_old of each token, or its geometric mean over the response."""
    reduction: Reduction = "token"
    """Mean over a response's tokens and then over responses, over all tokens of the step, the sum over `length`, or (a
    release's, never a default) over the tokens of each `micro_batch`."""
    length: PositiveInt | None = None
    """L of `reduction: constant`, in tokens; 1 sums each response."""
    micro_batch: PositiveInt | None = None
    """Responses that a release has in a micro batch, for `reduction: micro-batch`; ours may be cut otherwise."""
    clip_low: Fraction = 0.2
    clip_high: NonNegative = 0.2
    """ε of 1−ε and 1+ε, beyond which a ratio is not pushed further."""
    dual_clip: Annotated[float, Field(gt=1)] | None = None
    """c: with a negative advantage a loss ends at c·|A|. verl has 3."""
    beta: NonNegative = 0.005
    """How strongly the policy is held to the reference; 0 asks for no reference."""
    kl: Literal["k2", "k3", "corrected-k3", "reward-k1", "reward-k3"] = "k2"
    """What β multiplies: an estimator in the loss (`k2`, whose gradient is the divergence's; `k3`, the published one of
    GRPO; that times the ratio, TRL's), or a sum over the response that is taken from its reward before advantages."""
    correction: Literal["token", "sequence"] = "token"
    """Where engine and trainer differ: weights of each token up to `cap`, or of the response, none beyond `cap`."""
    cap: Positive = 2.0

    @model_validator(mode="after")
    def _no_setting_without_effect(self) -> "TokenObjective":
        for setting, reduction in (("length", "constant"), ("micro_batch", "micro-batch")):
            given, used = getattr(self, setting) is not None, self.reduction == reduction
            if used and not given:
                raise ValueError(f"reduction: {reduction} needs {setting}")
            if given and not used:
                raise ValueError(f"{setting} has an effect with reduction: {reduction} only")
        return self

    @property
    def needs_reference(self) -> bool:
        return self.beta > 0

    @property
    def kl_in_reward(self) -> bool:
        """Whether the divergence is taken from rewards, so that the reference is asked before advantages are known."""
        return self.beta > 0 and self.kl in KL_IN_REWARD

    def penalties(self, sampling: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
        """[rows]: β·KL to take from the responses' rewards; 0 where the divergence is in the loss.

        `sampling` are log-probabilities of the weights that drew, [rows, tokens] like the others.
        """
        if self.kl not in KL_IN_REWARD:
            return torch.zeros_like(sampling[:, 0])
        return self.beta * divergence.of_responses(KL_IN_REWARD[self.kl], sampling, reference, mask)

    def advantages(self, rewards: Sequence[Sequence[float]]) -> list[list[float]]:
        """A of every response, group by group: all groups of the step, over all processes, of one size.

        Raises `InputError` for groups of one and for a reward that is not finite.
        """
        groups = torch.tensor(rewards, dtype=torch.float64)
        advantages.check_rewards(groups)
        values: list[list[float]] = ADVANTAGES[self.advantage](groups).tolist()
        return values

    def weights(self, lengths: Sequence[int]) -> Tensor:
        """w, float64 [responses], by the tokens in the loss of every response of the optimiser step, in its order.

        Raises `InputError` where the step does not divide into the release's micro batches.
        """
        counts = torch.tensor(lengths)
        if self.length is not None:
            return reductions.per_constant(counts, self.length)
        if self.micro_batch is not None:
            return reductions.per_micro_batch(counts, self.micro_batch)
        return BY_LENGTHS[self.reduction](counts)

    def __call__(self, batch: TokenBatch) -> tuple[Tensor, Metrics]:
        """These rows' part of the step's loss, and sums over their tokens to divide by the step's (no gradient)."""
        ratio = RATIOS[self.ratio](batch.log_ratio, batch.mask)
        clip = (self.clip_low, self.clip_high, self.dual_clip)
        losses = surrogate(ratio, batch.advantages, *clip)
        measured: dict[str, Tensor] = {**clipped(ratio, batch.advantages, *clip)}
        if batch.mismatch is None:  # one model, which in a rollout's first update has not moved
            measured["mismatch"] = batch.log_ratio.abs()
        else:
            weights = CORRECTIONS[self.correction](batch.mismatch, self.cap)
            losses = losses * weights
            measured |= {"mismatch": batch.mismatch.abs(), "correction": weights.expand_as(losses)}
        if self.beta > 0 and self.kl in KL_IN_LOSS:
            losses = losses + self.beta * KL_IN_LOSS[self.kl](batch.reference_gap, ratio)
        if batch.reference is not None:
            measured["kl"] = divergence.k3(batch.reference_gap)
        loss = (batch.weights.unsqueeze(1) * losses.masked_fill(~batch.mask, 0.0)).sum()
        sums = {name: values.detach()[batch.mask].to(loss.dtype).sum() for name, values in measured.items()}
        return loss, sums
