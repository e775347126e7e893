"""Self-consistency preference optimisation: each pair counts by its margin of votes (arXiv 2411.04109)."""

from genius_bench.objectives.interface import Positive
from genius_bench.objectives.rpo import RPO


class ScPO(RPO):
    """L = w·[ −log σ( β·r_θ(y⁺) − β·r_θ(y⁻) ) − α·log π_θ(y⁺|x)/|y⁺| ], w = (V(y⁺) − V(y⁻))/k.

    RPO with the paper's β; w, the margin of votes among k samples, is the pair's weight, which every objective
    applies. On pairs without votes w = 1.
    """

    name = "scpo"
    title = "Self-consistency preference optimisation (vote-weighted DPO + NLL)"
    source = "arXiv 2411.04109"

    beta: Positive = 0.5
    """How strongly the policy is held to the reference, per nat."""
