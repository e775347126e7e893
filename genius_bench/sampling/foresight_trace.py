"""The foresight tree of a query, kept so that every pair can be traced to the candidates it was chosen from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genius_bench.sampling.foresight import Candidate
from genius_bench.sampling.policy import Policy


def step_trace(
    candidates: Sequence[Candidate],
    distribution: np.ndarray,
    kept: Sequence[int],
    pair: tuple[int, int] | None,
    policy: Policy,
) -> dict[str, Any]:
    """One step of the tree as a JSON value: texts, f, F and A of every candidate, beams kept, pair chosen."""
    return {
        "candidates": [
            {
                "beam": candidate.beam,
                "step": policy.text(candidate.step.ids),
                "foresight": policy.text(candidate.foresight.ids),
                "score": candidate.score,
                "probability": float(probability),
                "advantage": candidate.advantage,
                "finished": candidate.finished,
            }
            for candidate, probability in zip(candidates, distribution, strict=True)
        ],
        "beams": list(kept),
        "chosen": pair[0] if pair else None,
        "rejected": pair[1] if pair else None,
    }
