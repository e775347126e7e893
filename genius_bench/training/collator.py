"""Micro batches: sequences side by side with padding, or laid end to end in one row without."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genius_bench.training.examples import Example, TokenIds

Batch = dict[str, Tensor]

MODEL_INPUTS = ("input_ids", "position_ids")


@dataclass(frozen=True)
class Collator:
    """Examples as tensors.

    The policy reads `input_ids`, shape [rows, tokens]. Padded, each sequence is a row and padding comes last, where a
    causal model never sees it: no mask is needed. Packed, all lies in one row, with the `position_ids` [1, tokens] and
    `segments` [segments, 4] (see `genius_bench.training.segments`) that keep the sequences apart; with
    `shared_prompts` a pair is one prompt, the chosen and the rejected response, and neighbours whose prompt is one
    object are that prompt and all of their responses.

    Of every response token, shape [response tokens], are told the `row` and `column` of the token that predicts it,
    its id (`target`) and whose it is (`sequence`): chosen responses are numbered as their examples, rejected ones
    follow. The other entries have shape [examples].
    """

    packing: bool
    shared_prompts: bool = False

    def __call__(self, examples: list[Example]) -> Batch:
        pieces = _sharing(examples) if self.shared_prompts else _separate(examples)
        rows = [pieces] if self.packing else [[piece] for piece in pieces]
        return _laid_out(rows, packed=self.packing) | {
            "reference_chosen": _floats([e.reference_chosen or 0.0 for e in examples]),
            "reference_rejected": _floats([e.reference_rejected or 0.0 for e in examples]),
            "chosen_length": _floats([len(e.chosen) for e in examples]),
            "rejected_length": _floats([0 if e.rejected is None else len(e.rejected) for e in examples]),
            "chosen_advantage": _floats([e.chosen_advantage for e in examples]),
            "rejected_advantage": _floats([e.rejected_advantage for e in examples]),
            "weight": _floats([e.weight for e in examples]),
        }


@dataclass(frozen=True)
class _Piece:
    """A prompt with a response, or a response alone whose prompt stands at `prefix` of the same row."""

    prompt: TokenIds
    response: TokenIds
    sequence: int
    prefix: tuple[int, int] = (0, 0)


def _separate(examples: list[Example]) -> list[_Piece]:
    chosen = [_Piece(e.prompt, e.chosen, number) for number, e in enumerate(examples)]
    rejected = [
        _Piece(e.prompt, e.rejected, len(examples) + number)
        for number, e in enumerate(examples)
        if e.rejected is not None
    ]
    return chosen + rejected


def _sharing(examples: list[Example]) -> list[_Piece]:
    pieces: list[_Piece] = []
    place, read, prompt = 0, None, (0, 0)
    for number, e in enumerate(examples):
        for sequence, response in zip((number, len(examples) + number), e.responses, strict=False):
            if read is e.prompt:
                pieces.append(_Piece(e.prompt[:0], response, sequence, prompt))
            else:
                read, prompt = e.prompt, (place, place + len(e.prompt))
                pieces.append(_Piece(e.prompt, response, sequence))
                place += len(e.prompt)
            place += len(response)
    return pieces


def _laid_out(rows: list[list[_Piece]], *, packed: bool) -> Batch:
    ids = [np.concatenate([part for piece in row for part in (piece.prompt, piece.response)]) for row in rows]
    input_ids = np.zeros((len(rows), max(map(len, ids))), dtype=np.int64)
    for row, tokens in enumerate(ids):
        input_ids[row, : len(tokens)] = tokens

    segments, positions, places = [], [], []
    for row, pieces in enumerate(rows):
        start = 0
        for piece in pieces:
            first, last = piece.prefix
            length = len(piece.prompt) + len(piece.response)
            segments.append((start, start + length, first, last))
            positions.append(np.arange(last - first, last - first + length))
            places.append(_predictions(piece, row, start))
            start += length
    row_of, column, target, sequence = np.concatenate(places, axis=1)
    batch = {
        "input_ids": input_ids,
        "row": row_of,
        "column": column,
        "target": target,
        "sequence": sequence,
    }
    if packed:
        batch |= {"position_ids": np.concatenate(positions)[None], "segments": np.array(segments)}
    return {name: torch.from_numpy(values) for name, values in batch.items()}


def _predictions(piece: _Piece, row: int, start: int) -> np.ndarray:
    """Row, column of the predicting token, token id and sequence of every response token; shape [4, tokens]."""
    before = start + len(piece.prompt) - 1 + np.arange(len(piece.response))
    if not len(piece.prompt):
        before[0] = piece.prefix[1] - 1
    whole = np.ones_like(before)
    return np.stack([row * whole, before, piece.response.astype(np.int64), piece.sequence * whole])


def _floats(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
