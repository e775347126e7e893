"""Reference log-probabilities by a teacher-forced pass of the starting policy, done once before training."""

from typing import Any

import torch

from genius_bench.artifacts import Build
from genius_bench.progress import progress
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example
from genius_bench.training.log_probabilities import response_log_probabilities, split_halves

ROWS_PER_SHARD = 256


def recompute_references(
    model: Any,
    examples: list[Example],
    build: Build,
    collator: Collator,
    *,
    micro_batch_size: int,
    bf16: bool,
) -> list[Example]:
    """The examples with log π_ref of both responses (sums over response tokens, nats) from `model` as it is now.

    They are stored as the artifact's rows while they are computed: a resumed training, whose policy has moved on,
    reads them, and they stay for whoever wants to trace a margin.
    """
    done = {row["id"]: row for row in build.rows()}
    missing = [example for example in examples if example.id not in done]
    if missing:
        model.eval()
        with progress("reference log-probabilities", len(examples), "rows", done=len(done)) as advance:
            for start in range(0, len(missing), ROWS_PER_SHARD):
                shard = missing[start : start + ROWS_PER_SHARD]
                rows: list[dict[str, Any]] = []
                for first in range(0, len(shard), micro_batch_size):
                    some = shard[first : first + micro_batch_size]
                    rows += _references(model, some, collator, bf16)
                    advance(len(some))
                build.write_shard(rows)
                done |= {row["id"]: row for row in rows}
    return [
        e.with_reference(done[e.id]["reference_chosen_logp"], done[e.id]["reference_rejected_logp"])
        for e in examples
    ]


@torch.no_grad()
def _references(model: Any, examples: list[Example], collator: Collator, bf16: bool) -> list[dict[str, Any]]:
    device = next(model.parameters()).device
    batch = {name: values.to(device) for name, values in collator(examples).items()}
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        sums = response_log_probabilities(model, batch)
    chosen, rejected = split_halves(sums, len(examples))
    return [
        {"id": example.id, "reference_chosen_logp": c, "reference_rejected_logp": r}
        for example, c, r in zip(examples, chosen.tolist(), rejected.tolist(), strict=True)
    ]
