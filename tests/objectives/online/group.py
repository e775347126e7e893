"""One group of four responses, of 3, 5, 2 and 6 tokens, before and after an update; log-probabilities in nats."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genius_bench.objectives.online.batch import TokenBatch

LENGTHS = [3, 5, 2, 6]
LONGEST = 6
REWARDS = [1.0, 1.0, 0.0, 0.0]
MASK = torch.arange(LONGEST) < torch.tensor(LENGTHS).unsqueeze(1)


def padded(rows: list[list[float]], padding: float = 0.0) -> Tensor:
    return torch.tensor([row + [padding] * (LONGEST - len(row)) for row in rows], dtype=torch.float64)


def of_tokens(values: Tensor, mask: Tensor = MASK) -> list[list[float]]:
    """Row by row, without padding."""
    return [row[kept].tolist() for row, kept in zip(values, mask, strict=True)]


OLD = padded(
    [
        [-0.50, -1.20, -0.10],
        [-0.90, -0.30, -2.00, -0.40, -0.05],
        [-0.70, -1.50],
        [-0.20, -0.80, -1.10, -0.60, -0.30, -2.50],
    ]
)
MOVED = padded(
    [
        [0.05, 0.30, -0.02],  # e^0.30 is above 1.28: clipped, A > 0
        [-0.10, 0.22, 0.00, 0.04, -0.25],  # e^0.22 lies between 1.2 and 1.28
        [-0.30, 0.10],  # e^-0.30 is below 0.8: clipped, A < 0
        [0.08, -0.05, 1.30, 0.00, -0.40, 0.02],  # e^1.3 = 3.67 with A < 0: for the dual clip
    ]
)
"""log π_θ − log π_old."""
GAP = padded(
    [
        [0.10, -0.20, 0.00],
        [0.05, 0.40, -0.30, 0.00, 0.02],
        [-0.15, 0.25],
        [0.00, 0.10, -0.60, 0.30, -0.05, 0.20],
    ]
)
"""log π_ref − log π_θ."""
MISMATCH = padded(
    [
        [0.01, -0.02, 0.00],
        [0.30, 0.20, 0.10, 0.40, 0.15],
        [0.0, 0.0],
        [-0.05, 0.02, 0.01, 0.0, 0.0, -0.6],
    ]
)
"""log π_old − log π_engine."""
POLICY = OLD + MOVED
REFERENCE = POLICY + GAP


def of_group(advantages: Sequence[float], weights: Tensor, **changes: Any) -> TokenBatch:
    """The whole group; the engine is the trainer's own model where nothing else is said."""
    values: dict[str, Any] = {
        "now": POLICY,
        "sampled": OLD,
        "mask": MASK,
        "advantages": torch.tensor(advantages, dtype=torch.float64),
        "weights": weights,
    }
    return TokenBatch(**values | changes)


def rows_of(whole: TokenBatch, rows: list[int], **changes: Any) -> TokenBatch:
    """Some rows of a batch."""
    values = {name: value[rows] for name, value in vars(whole).items() if value is not None}
    return TokenBatch(**values | changes)
