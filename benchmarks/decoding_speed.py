"""Decoding requests of mixed lengths: the `hf` engine, transformers' `generate`, vLLM, and matrix products alone.

    python -m benchmarks.decoding_speed [--model smollm2] [--requests 32] [--longest 96] [--runs 1] [--ways hf generate]

The same prompts (everyday questions) with the same limits, whatever answers them; T = 1, every token counts up to the
end of its answer. `generate` reads and draws all in one batch that ends with its longest row. *Products* is what the
weights alone cost at that many rows: every linear layer once a step, on random numbers. Nothing is faster than that,
and it holds no attention, no prompts, no drawing.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

from benchmarks.sampling_speed import machine
from genius_bench.engines import open_engine
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Engine, Request
from genius_bench.engines.loading import load_tokenizer, locate
from genius_bench.engines.rendering import render
from genius_bench.plain.families import SAMPLERS
from genius_bench.plain.items import evaluation_items
from genius_bench.recipe import EngineSection

STEPS = 3
"""Of which the fastest counts as what matrix products take."""


@dataclass(frozen=True)
class Decoded:
    """`cpu_seconds` are this process's: they tell more than seconds on a busy machine, and nothing of a GPU or vLLM."""

    tokens: int
    seconds: float
    cpu_seconds: float


class Watch:
    def __init__(self) -> None:
        self._start, self._cpu_start = time.perf_counter(), time.process_time()

    def read(self, tokens: int) -> Decoded:
        return Decoded(tokens, time.perf_counter() - self._start, time.process_time() - self._cpu_start)


def mixed_requests(tokenizer: Any, count: int, longest: int) -> list[Request]:
    """Limits from an eighth of `longest` to all of it."""
    draw = Random(0)
    questions = [item["question"] for task in SAMPLERS for item in evaluation_items(task, "tuning", count)]
    return [
        Request(
            prompt_ids=tuple(render(tokenizer, ({"role": "user", "content": draw.choice(questions)},))),
            max_tokens=round(longest * 2 ** draw.uniform(-3, 0)),
            seed=number,
        )
        for number in range(count)
    ]


def by_engine(engine: Engine, requests: Sequence[Request]) -> Decoded:
    async def answer() -> int:
        return sum(len(one.token_ids) for one in await asyncio.gather(*map(engine.generate, requests)))

    watch = Watch()
    return watch.read(asyncio.run(answer()))


@torch.inference_mode()
def by_generate(engine: HFEngine, requests: Sequence[Request]) -> Decoded:
    """With the engine's own model and tokenizer, padded on the left."""
    model, end = engine.model, engine.tokenizer.eos_token_id
    watch = Watch()
    width = max(len(request.prompt_ids) for request in requests)
    spare = [width - len(request.prompt_ids) for request in requests]
    ids = [[end] * gap + list(request.prompt_ids) for gap, request in zip(spare, requests, strict=True)]
    mask = [[0] * gap + [1] * (width - gap) for gap in spare]
    made = model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        max_new_tokens=max(request.max_tokens for request in requests),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        pad_token_id=end,
        eos_token_id=end,
    )[:, width:].tolist()
    tokens = 0
    for row, request in zip(made, requests, strict=True):
        ended = row.index(end) + 1 if end in row else len(row)
        tokens += min(ended, request.max_tokens)
    return watch.read(tokens)


@torch.inference_mode()
def by_products(model: Any, rows: int) -> Decoded:
    """One step of that many rows through every linear layer of the model, the fastest of a few."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    inputs = {
        width: torch.randn(rows, width, device=model.device, dtype=model.dtype)
        for width in {layer.in_features for layer in layers}
    }

    def step() -> Decoded:
        watch = Watch()
        for layer in layers:
            layer(inputs[layer.in_features])
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        return watch.read(rows)

    step()  # warms up
    return min((step() for _ in range(STEPS)), key=lambda one: one.seconds)


def measure(
    model: Path, settings: EngineSection, ways: Sequence[str], count: int, longest: int, runs: int
) -> dict[str, list[Decoded]]:
    """By way, one result a run; ways take turns. Raises `InputError` for vLLM where it is not installed."""
    requests = mixed_requests(load_tokenizer(model, settings.chat_template), count, longest)
    engines: dict[str, Any] = {}
    if set(ways) & {"hf", "generate", "products"}:
        engines["hf"] = HFEngine(model, settings)
    if "vllm" in ways:
        engines["vllm"] = open_engine(model, settings.model_copy(update={"name": "vllm"}))
    how: dict[str, Callable[[], Decoded]] = {
        "hf": lambda: by_engine(engines["hf"], requests),
        "generate": lambda: by_generate(engines["hf"], requests),
        "products": lambda: by_products(engines["hf"].model, count),
        "vllm": lambda: by_engine(engines["vllm"], requests),
    }
    found: dict[str, list[Decoded]] = {way: [] for way in ways}
    try:
        for run in range(runs):
            for way in ways[:: -1 if run % 2 else 1]:
                found[way].append(how[way]())
    finally:
        for engine in engines.values():
            engine.close()
    return found


def rates(found: dict[str, list[Decoded]]) -> dict[str, float]:
    """Tokens a second by way, and the ratios to `hf` within runs: medians."""
    values = {
        f"{way}, tokens/s": statistics.median(run.tokens / run.seconds for run in runs)
        for way, runs in found.items()
    }
    for way in found:
        if way != "hf" and "hf" in found:
            pairs = list(zip(found["hf"], found[way], strict=True))
            values[f"hf, of {way}"] = statistics.median(
                a.tokens / a.seconds * b.seconds / b.tokens for a, b in pairs
            )
            if way != "vllm" and not torch.cuda.is_available():
                values[f"hf, of {way}, by CPU time"] = statistics.median(
                    a.tokens / a.cpu_seconds * b.cpu_seconds / b.tokens for a, b in pairs
                )
    return values


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--longest", type=int, default=96)
    parser.add_argument("--runs", type=int, default=1)
    choices = ["hf", "generate", "products", "vllm"]
    parser.add_argument("--ways", nargs="+", choices=choices, default=choices[:3])
    options = parser.parse_args()
    described = machine()
    found = measure(
        locate(options.model),
        EngineSection(),
        options.ways,
        options.requests,
        options.longest,
        options.runs,
    )
    values = {name: round(value, 3) for name, value in rates(found).items()}
    print(json.dumps({"machine": described, **values}, indent=2))


if __name__ == "__main__":
    main()
