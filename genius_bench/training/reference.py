"""Reference log-probabilities by a teacher-forced pass of the starting policy, done once before the first step."""

from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from genius_bench.artifacts import Build
from genius_bench.errors import GeniusBenchError
from genius_bench.training.batches import dealt
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example
from genius_bench.training.log_probabilities import response_log_probabilities, split_halves
from genius_bench.training.messages import Show

ROWS_PER_SHARD = 256


def recompute_references(
    model: Any,
    examples: list[Example],
    build: Build,
    collator: Collator,
    accelerator: Accelerator,
    *,
    micro_batch_size: int,
    resumed: bool,
    show: Show,
) -> list[Example]:
    """The examples with log π_ref of both responses (sums over response tokens, nats) from `model` as it is now.

    `model` is the prepared one, sharded or not: all processes of a launcher take part, so that a policy which fits no
    single device can be its own reference, and values are computed just as in training. They are stored as the
    artifact's rows while they are computed: a resumed training, whose policy has moved on, reads them, and they stay
    for whoever wants to trace a margin. Raises `GeniusBenchError` where a resumed training does not find them.
    """
    done = {row["id"]: row for row in build.rows()}
    missing = [example for example in examples if example.id not in done]
    if missing and resumed:
        raise GeniusBenchError(
            f"{len(missing)} reference log-probabilities are gone from {build.path}, and the policy has moved on: "
            "remove that folder to train anew"
        )
    model.eval()
    with show("reference log-probabilities", len(examples), "rows", done=len(done)) as advance:
        for start in range(0, len(missing), ROWS_PER_SHARD):
            shard = missing[start : start + ROWS_PER_SHARD]
            cuts = range(0, len(shard), micro_batch_size)
            share = dealt(
                [shard[cut : cut + micro_batch_size] for cut in cuts],
                accelerator.num_processes,
                accelerator.process_index,
            )
            rows: list[dict[str, Any]] = []
            for some, counts in share:
                found = _references(model, some, collator, accelerator.device)
                rows += found if counts else []
            rows = gather_object(rows)
            if accelerator.is_main_process:
                build.write_shard(rows)
            done |= {row["id"]: row for row in rows}
            advance(len(rows))
    return [_with_values(example, done[example.id]) for example in examples]


def _with_values(example: Example, row: dict[str, Any]) -> Example:
    return example.with_reference(row["reference_chosen_logp"], row["reference_rejected_logp"])


@torch.no_grad()
def _references(
    model: Any, examples: list[Example], collator: Collator, device: torch.device
) -> list[dict[str, Any]]:
    batch = {name: values.to(device) for name, values in collator(examples).items()}
    chosen, rejected = split_halves(response_log_probabilities(model, batch), len(examples))
    return [
        {"id": example.id, "reference_chosen_logp": c, "reference_rejected_logp": r}
        for example, c, r in zip(examples, chosen.tolist(), rejected.tolist(), strict=True)
    ]
