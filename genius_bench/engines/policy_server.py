"""A server that samples for a training. Weights behind a URL cannot be seen, so what it answers is held against the
policy's own files before anything of it is trained on."""

import asyncio
from typing import Any

from genius_bench.engines import open_engine
from genius_bench.engines.endpoint import Endpoint, resolve_served
from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.engines.loading import ModelFiles, load_model
from genius_bench.engines.openai import HELLO
from genius_bench.engines.rendering import render
from genius_bench.engines.rereading import with_rereading
from genius_bench.errors import InputError
from genius_bench.http_client import check_url
from genius_bench.recipe import EngineSection

DRAWS = 4
DRAWN_TOKENS = 24
TEMPERATURE = 0.5
"""Not 1, so that a server which reports log-probabilities of the tempered policy is found out."""
TOLERANCE = 0.05
"""Nats per token, on average over the draws. For the lab model bfloat16 makes 0.013, weights off by 5 % make 0.15."""


def open_sampler(policy: ModelFiles, settings: EngineSection) -> Engine:
    """The engine that samples from `policy`: one that runs its files, or the server at `engine.url`. What these do not
    tell of the policy's distributions (`Completion.certainties`) is read from its files.

    Raises `InputError` for a server that does not take and give token ids with log-probabilities, or that serves
    something else than the policy.
    """
    url = settings.url
    if url is None:
        return with_rereading(open_engine(policy, settings), policy.path)
    settings = settings.model_copy(update={"tokenizer": str(policy.path), "url": None})
    endpoint = resolve_served(url, settings)
    assert isinstance(endpoint, Endpoint)
    _check_answers(open_engine(endpoint, settings), endpoint, policy)
    engine = open_engine(endpoint, settings)  # anew, since such an engine belongs to one event loop
    return with_rereading(engine, policy.path)


def check_server(settings: EngineSection, iterations: int) -> None:
    """Raises `InputError` where a training cannot sample from a server as the recipe has it."""
    if settings.generator != "openai":
        return
    if settings.spread:
        raise InputError(
            f"engine '{settings.name}': workers run models, a server needs none of them: use --engine openai"
        )
    if settings.url is None:
        raise InputError(
            "sampling from a server needs its address: --set engine.url=http://127.0.0.1:8000/v1 (it must serve the "
            "model that is trained)"
        )
    check_url(settings.url)
    if iterations > 1:
        raise InputError(
            f"this method samples in {iterations} iterations, each from the checkpoint before, which no server has: "
            "use --engine hf or vllm"
        )


def _check_answers(engine: Engine, endpoint: Endpoint, policy: ModelFiles) -> None:
    if engine.tokenizer is None:
        raise InputError(
            f"{endpoint.url} takes no token ids: training needs them exactly as they were sampled"
        )
    prompt_ids = render(engine.tokenizer, HELLO.messages or ())
    requests = [
        Request(prompt_ids=prompt_ids, max_tokens=DRAWN_TOKENS, seed=seed, temperature=TEMPERATURE)
        for seed in range(DRAWS)
    ]

    async def drawn() -> list[Completion]:
        return await asyncio.gather(*map(engine.generate, requests))

    with asyncio.Runner() as runner:
        completions = runner.run(drawn())
        engine.close()
    if not all(one.token_ids and one.logprobs for one in completions):
        raise InputError(
            f"{endpoint.url} does not return the sampled token ids with their log-probabilities, which training needs "
            "(vLLM's server does)"
        )
    difference = _difference(completions, prompt_ids, policy)
    if difference > TOLERANCE:
        raise InputError(
            f"'{endpoint.name}' at {endpoint.url} is not {policy.name}: log-probabilities that it reports differ from "
            f"those of the model's files by {difference:.2f} nats a token"
        )


def _difference(completions: list[Completion], prompt_ids: tuple[int, ...], policy: ModelFiles) -> float:
    """Mean absolute difference, in nats per token, of what was reported from one teacher-forced pass each."""
    import torch

    model: Any = load_model(policy.path, device="cpu")
    differences: list[float] = []
    with torch.inference_mode():
        for one in completions:
            ids = torch.tensor([[*prompt_ids, *one.token_ids]])
            logprobs = model(ids).logits[0, len(prompt_ids) - 1 : -1].float().log_softmax(-1)
            own = logprobs.gather(-1, torch.tensor(one.token_ids)[:, None]).squeeze(-1)
            differences += (own - torch.tensor(one.logprobs)).abs().tolist()
    return sum(differences) / len(differences)
