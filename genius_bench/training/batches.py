"""Which rows a process takes in which optimiser step. The rows of a step are the same on any number of processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import TypeVar

import torch

Item = TypeVar("Item")


def dealt(items: Sequence[Item], processes: int, process: int) -> list[tuple[Item, bool]]:
    """A process's share of `items`, dealt in turn, each with whether it counts.

    All shares are equally long, because sharded processes can only run forward and backward together: a share that
    would be shorter is filled up with an item that does not count.
    """
    turns = range(process, ceil(len(items) / processes) * processes, processes)
    return [(items[turn % len(items)], turn < len(items)) for turn in turns]


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Rows in the order of a training: a new permutation every epoch, `batch_size` of them a step."""

    rows: int
    batch_size: int
    micro_batch_size: int
    """Per process."""
    processes: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return ceil(self.rows / self.batch_size)

    @property
    def micro_batches_per_epoch(self) -> int:
        """Of one process. The last step of an epoch may have fewer than the others."""
        last = self.rows - (self.steps_per_epoch - 1) * self.batch_size
        per_round = self.micro_batch_size * self.processes
        return (self.steps_per_epoch - 1) * (self.batch_size // per_round) + ceil(last / per_round)

    def rows_of(self, step: int) -> list[int]:
        """The numbers of the rows of an optimiser step, counted from 0 over all epochs."""
        epoch, within = divmod(step, self.steps_per_epoch)
        return _order(self.rows, self.seed + epoch)[within * self.batch_size :][: self.batch_size]

    def micro_batches_of(self, step: int, process: int) -> list[tuple[list[int], bool]]:
        """A process's micro batches of a step, and whether each counts (see `dealt`)."""
        rows = self.rows_of(step)
        cuts = range(0, len(rows), self.micro_batch_size)
        return dealt([rows[cut : cut + self.micro_batch_size] for cut in cuts], self.processes, process)


@lru_cache(maxsize=2)
def _order(rows: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).tolist()
    return order
