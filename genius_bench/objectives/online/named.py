"""The objectives by name: what each paper chooses. All else is one shared default, so that choices are compared."""

from pydantic import PositiveInt

from genius_bench.objectives.interface import NonNegative
from genius_bench.objectives.online.objective import Advantage, Fraction, Ratio, Reduction, TokenObjective


class TokenMean(TokenObjective):
    """The shared default: GRPO's advantages, every token of the step counts the same, near the base."""

    name = "token-mean"
    title = "GRPO's advantages, the mean over a step's tokens"
    source = "arXiv 2402.03300 (advantages), arXiv 2503.14476, Eq. 8 (reduction)"


class GRPO(TokenObjective):
    """Every response counts the same, its tokens share that: a long wrong answer is punished least per token."""

    name = "grpo"
    title = "Group relative policy optimisation"
    source = "arXiv 2402.03300, Eq. 3"

    reduction: Reduction = "response"


class DrGRPO(TokenObjective):
    """No standard deviation, no length of its own. `length` is to be given: the longest response of the recipe."""

    name = "dr-grpo"
    title = "GRPO done right"
    source = "arXiv 2503.20783, Sec. 3"

    advantage: Advantage = "centred"
    reduction: Reduction = "constant"


class DAPO(TokenObjective):
    """Every token of the step counts the same; unlikely tokens may rise further; no reference.

    Its sampling (groups that are not silent, nothing truncated) is the step's affair.
    """

    name = "dapo"
    title = "Decoupled clip and dynamic sampling policy optimisation"
    source = "arXiv 2503.14476, Eq. 8"

    clip_high: NonNegative = 0.28
    beta: NonNegative = 0.0


class GSPO(TokenObjective):
    """Ratios and clips of whole responses, which move far less than a token's."""

    name = "gspo"
    title = "Group sequence policy optimisation"
    source = "arXiv 2507.18071, Eq. 5"

    ratio: Ratio = "sequence"
    reduction: Reduction = "response"
    clip_low: Fraction = 3e-4
    clip_high: NonNegative = 4e-4


class RLOO(TokenObjective):
    """REINFORCE with the mean of the others as baseline: A_i·∇log π(o_i), the sum over the response."""

    name = "rloo"
    title = "REINFORCE leave-one-out"
    source = "arXiv 2402.14740, Eq. 7"

    advantage: Advantage = "leave-one-out"
    reduction: Reduction = "constant"
    length: PositiveInt | None = 1
