"""The processes of an online training, one or several: each draws, rewards and reads whole groups, and all of them move
the same weights by the same sum of gradients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """What one of them knows of the others."""

    count: int = 1
    number: int = 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This one's, in their order: as many as the others', give or take one."""
        return items[self.span(len(items))]

    def span(self, items: int) -> slice:
        """Where its share of so many lies."""
        return slice(*(items * number // self.count for number in (self.number, self.number + 1)))

    def gathered(self, mine: list[T]) -> list[T]:
        """Everybody's, in the order of the processes, which is that of what they shared."""
        if self.count == 1:
            return mine
        found: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(found, mine)
        return [one for part in found for one in part]

    def told(self, value: T) -> T:
        """What the first one says."""
        if self.count == 1:
            return value
        said: list[Any] = [value]
        torch.distributed.broadcast_object_list(said, src=0)
        told: T = said[0]
        return told

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Makes each the sum of everybody's."""
        if self.count > 1:
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)


def meet(count: int, number: int) -> Processes:
    """Waits for the others of a launcher; the environment that it gives says where."""
    if count > 1:
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Processes(count, number)
