"""Micro batches: rows side by side with padding, or laid end to end in one row without."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genius_bench.training.examples import Example, TokenIds

Batch = dict[str, Tensor]

MODEL_INPUTS = ("input_ids", "attention_mask", "position_ids")


@dataclass(frozen=True)
class Collator:
    """Examples as tensors. Sequences are numbered: all chosen responses first, then all rejected ones.

    `input_ids`, `sequence` (whose token it is) and `is_response` have shape [rows, tokens]: one row per sequence
    and an `attention_mask` when padded; a single row and restarting `position_ids` when packed (no mask, by which
    transformers knows to keep the sequences apart). The other entries have shape [examples]. No key is called
    `labels`, and padding is told by length, never by token id: the padding token may be the end-of-sequence token.
    """

    packing: bool

    def __call__(self, examples: list[Example]) -> Batch:
        chosen = [(e.prompt, e.chosen) for e in examples]
        rejected = [(e.prompt, e.rejected) for e in examples if e.rejected is not None]
        lay = _packed if self.packing else _padded
        return lay(chosen + rejected) | {
            "reference_chosen": _floats([e.reference_chosen or 0.0 for e in examples]),
            "reference_rejected": _floats([e.reference_rejected or 0.0 for e in examples]),
            "chosen_length": _floats([len(e.chosen) for e in examples]),
            "rejected_length": _floats([len(response) for _, response in rejected] or [0.0] * len(examples)),
            "chosen_advantage": _floats([e.chosen_advantage for e in examples]),
            "rejected_advantage": _floats([e.rejected_advantage for e in examples]),
            "weight": _floats([e.weight for e in examples]),
        }


def _floats(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _padded(sequences: list[tuple[TokenIds, TokenIds]]) -> Batch:
    longest = max(len(prompt) + len(response) for prompt, response in sequences)
    shape = (len(sequences), longest)
    input_ids, attention_mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    is_response = torch.zeros(shape, dtype=torch.bool)
    for row, (prompt, response) in enumerate(sequences):
        end = len(prompt) + len(response)
        input_ids[row, :end] = torch.from_numpy(np.concatenate([prompt, response]))
        attention_mask[row, :end] = 1
        is_response[row, len(prompt) : end] = True
    sequence = torch.arange(len(sequences)).unsqueeze(1).expand(shape)
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "sequence": sequence.contiguous(),
        "is_response": is_response,
    }


def _packed(sequences: list[tuple[TokenIds, TokenIds]]) -> Batch:
    lengths = [len(prompt) + len(response) for prompt, response in sequences]
    parts = [ids for pair in sequences for ids in pair]
    kinds = [np.full(len(ids), number % 2 == 1) for number, ids in enumerate(parts)]
    row = {
        "input_ids": torch.from_numpy(np.concatenate(parts)).long(),
        "position_ids": torch.cat([torch.arange(length) for length in lengths]),
        "sequence": torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)),
        "is_response": torch.from_numpy(np.concatenate(kinds)),
    }
    return {name: values.unsqueeze(0) for name, values in row.items()}
