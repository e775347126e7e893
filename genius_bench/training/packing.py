"""Whether a model keeps packed sequences apart: measured, because architectures and attention kernels differ."""

from typing import Any

import torch

from genius_bench.errors import InputError
from genius_bench.training.examples import Example


@torch.no_grad()
def check_packing(model: Any, examples: list[Example]) -> None:
    """Changes the first of two packed sequences and looks at the second one's logits: they must not move.

    Raises `InputError` for a model that lets packed rows see each other.
    """
    device = next(model.parameters()).device
    first = torch.tensor([*examples[0].prompt, *examples[0].chosen][:16])
    second = torch.tensor([*examples[-1].prompt, *examples[-1].chosen][:16])
    vocabulary = model.get_input_embeddings().num_embeddings
    position_ids = torch.cat([torch.arange(len(first)), torch.arange(len(second))]).unsqueeze(0).to(device)

    def logits_of_second(first_ids: torch.Tensor) -> torch.Tensor:
        input_ids = torch.cat([first_ids, second]).unsqueeze(0).to(device)
        logits = model(input_ids=input_ids, position_ids=position_ids, use_cache=False).logits
        return logits[0, len(first) :].float()

    model.eval()
    before, after = logits_of_second(first), logits_of_second((first + 1) % vocabulary)
    if (before - after).abs().max() > 1e-6 * before.abs().max():
        raise InputError(
            f"{type(model).__name__} lets packed rows see each other: --set training.packing=false "
            "(or load it with another attention implementation)"
        )
