"""From a step's candidates to a preference pair (Genius Eq. 5)."""

from collections.abc import Sequence

import numpy as np

from genius_bench.sampling.choice import draw_without_replacement, highest
from genius_bench.sampling.foresight import Candidate
from genius_bench.sampling.foresight_options import ForesightOptions


def choose_pair(
    candidates: Sequence[Candidate], options: ForesightOptions, random: np.random.Generator
) -> tuple[int, int] | None:
    """Chosen: the highest f. Rejected: a draw from F without it, renormalised (or uniform, or the lowest f).

    Candidates with the chosen one's very response cannot be rejected (unless duplicates are kept); None when no other
    is left.
    """
    scores = [candidate.score for candidate in candidates]
    chosen = highest(scores, 1)[0]
    response = candidates[chosen].response.ids
    others = [
        i
        for i, candidate in enumerate(candidates)
        if i != chosen and (options.duplicates == "keep" or candidate.response.ids != response)
    ]
    if not others:
        return None
    if options.rejected == "uniform":
        return chosen, int(random.choice(others))
    if options.rejected == "lowest":
        return chosen, min(others, key=lambda i: scores[i])
    drawn = draw_without_replacement([scores[i] for i in others], options.tau, 1, random)[0]
    return chosen, others[drawn]
