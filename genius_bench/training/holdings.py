"""What a process holds of the trained weights and of AdamW's two averages, whatever the sharding.

Every way of sharding cuts a weight into runs of consecutive elements. Seen as such runs, a state can be written by one
number of processes and read by another, or under another sharding.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

AVERAGES = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Fragment:
    """Elements `start`, `start + 1`, … of a weight and of its averages: flat views of memory in use.

    `step` is AdamW's own count of steps for these elements, a tensor in use as well.
    """

    name: str
    start: int
    tensors: dict[str, Tensor]
    step: Tensor


class Holdings(ABC):
    """The trained weights of a model under an optimiser, as far as this process holds them."""

    def __init__(self, model: Any, optimizer: Any, process: int = 0, processes: int = 1) -> None:
        self.model, self.optimizer = model, optimizer
        self.process, self.processes = process, processes

    @abstractmethod
    def fragments(self) -> list[Fragment]:
        """Everything held here. Averages that the optimiser has not made yet are made, as zeros."""

    def to_write(self) -> list[Fragment]:
        """What this process writes into a state: its own, so that together each element is written once."""
        return self.fragments()

    def weights_have_changed(self) -> None:
        """To be called on all processes after weights were written into fragments."""
        return

    def _trained(self) -> Iterator[tuple[str, Any]]:
        return ((name, weight) for name, weight in self.model.named_parameters() if weight.requires_grad)


class Replicated(Holdings):
    """Every process holds all; they take turns in writing it."""

    def fragments(self) -> list[Fragment]:
        return [
            _fragment(name, 0, weight.data, _averages(self.optimizer, weight))
            for name, weight in self._trained()
        ]

    def to_write(self) -> list[Fragment]:
        return self.fragments()[self.process :: self.processes]


class FullySharded(Holdings):
    """FSDP2: rows of every weight."""

    def fragments(self) -> list[Fragment]:
        from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

        found = []
        for name, weight in self._trained():
            _, offset = compute_local_shape_and_global_offset(
                weight.shape, weight.device_mesh, weight.placements
            )
            start = offset[0] * (weight.numel() // max(1, weight.shape[0]))
            state = {key: _local(value) for key, value in _averages(self.optimizer, weight).items()}
            found.append(_fragment(name, start, _local(weight.data), state))
        return found


class Zero2(Holdings):
    """DeepSpeed ZeRO-2: float32 weights and averages lie in one flat partition per parameter group."""

    def fragments(self) -> list[Fragment]:
        partitions = self.optimizer.single_partition_of_fp32_groups
        states = [_averages(self.optimizer.optimizer, partition) for partition in partitions]
        found = []
        for name, weight in self._trained():
            held = weight._hp_mapping
            if held is None:
                continue
            where, group = held.get_hp_fragment_address(), held.param_group_index
            cut = slice(where.start, where.start + where.numel)
            found.append(_cut(name, held.lp_fragment_address.start, partitions[group], states[group], cut))
        return found

    def weights_have_changed(self) -> None:
        self.optimizer.update_lp_params()


class Zero3(Holdings):
    """DeepSpeed ZeRO-3: of every weight an equal part, the last one padded, in flat groups of float32."""

    def fragments(self) -> list[Fragment]:
        found = []
        for name, weight, group, cut in self._partitions():
            partition = self.optimizer.fp32_partitioned_groups_flat[group]
            start = self.process * (cut.stop - cut.start)
            held = min(cut.stop - cut.start, weight.ds_numel - start)
            if held > 0:
                state = _averages(self.optimizer.optimizer, partition)
                found.append(_cut(name, start, partition, state, slice(cut.start, cut.start + held)))
        return found

    def weights_have_changed(self) -> None:
        self.optimizer.checkpoint_event_prologue()  # lets go of the weights that are kept whole
        for _, weight, group, cut in self._partitions():
            weight.ds_tensor.data.copy_(self.optimizer.fp32_partitioned_groups_flat[group][cut])
        self.optimizer.checkpoint_event_epilogue()  # gathers them again

    def _partitions(self) -> Iterator[tuple[str, Any, int, slice]]:
        """Name, weight, flat group, and where in it this process's padded part of the weight lies."""
        names = {id(weight): name for name, weight in self._trained()}
        for group, weights in enumerate(self.optimizer.fp16_groups):
            offset = 0
            for weight in weights:
                size = weight.partition_numel()
                yield names[id(weight)], weight, group, slice(offset, offset + size)
                offset += size


HOLDINGS: dict[str, type[Holdings]] = {
    "none": Replicated,
    "zero2": Zero2,
    "zero3": Zero3,
    "fsdp2": FullySharded,
}


def _averages(optimizer: Any, weight: Tensor) -> dict[str, Tensor]:
    """AdamW's state of a weight; zeros, as AdamW would make them, before its first step."""
    state: dict[str, Tensor] = optimizer.state[weight]
    if not state:
        state["step"] = torch.tensor(0.0)
        state.update({key: torch.zeros_like(weight) for key in AVERAGES})
    return state


def _local(tensor: Any) -> Tensor:
    local: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return local


def _fragment(name: str, start: int, weight: Tensor, state: dict[str, Tensor]) -> Fragment:
    tensors = {"weight": weight, **{key: state[key] for key in AVERAGES}}
    return Fragment(name, start, {key: value.view(-1) for key, value in tensors.items()}, state["step"])


def _cut(name: str, start: int, partition: Tensor, state: dict[str, Tensor], cut: slice) -> Fragment:
    tensors = {"weight": partition.data, **{key: state[key] for key in AVERAGES}}
    return Fragment(name, start, {key: value[cut] for key, value in tensors.items()}, state["step"])
