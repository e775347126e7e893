"""A step's rollouts: what the policy said to the step's queries, what that was worth, and the rows of it on disk."""

import asyncio
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from genius_bench.artifacts import Build
from genius_bench.engines.interface import Completion
from genius_bench.errors import InputError
from genius_bench.online_method import OnlineMethod
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from genius_bench.seeds import seed_of
from genius_bench.shards import read_shards, shards_of

if TYPE_CHECKING:
    from genius_bench.objectives.online.objective import TokenObjective

Row = dict[str, Any]


class Shelf:
    """The rollouts of an artifact in the making: step k's are shard k − 1 of its rows, whole or not there."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._drawn = len(shards_of(build.path / "rows"))

    def find(self, step: int) -> list[Row] | None:
        """Those of a step (1, 2, …); None where they have yet to be drawn."""
        if step > self._drawn:
            return None
        return list(read_shards([shards_of(self._build.path / "rows")[step - 1]]))

    def keep(self, step: int, rows: list[Row], counts: dict[str, int]) -> list[Row]:
        """Stores the next step's and gives them back as they are read from now on."""
        assert step == self._drawn + 1
        self._build.write_shard(rows, **counts)
        self._drawn = step
        return list(read_shards([shards_of(self._build.path / "rows")[step - 1]]))


async def draw(
    method: OnlineMethod, objective: "TokenObjective", policy: Policy, queries: Sequence[Query], step: int
) -> list[Row]:
    """The rollouts of all responses to a step's queries, in their order. Raises `InputError` for a bad reward."""
    groups = await asyncio.gather(*(_responses(method, policy, query, step) for query in queries))
    asked = list(zip(queries, groups, strict=True))
    rewards = [_rewards(method, policy, query, responses, step) for query, responses in asked]
    advantages = objective.advantages([some[: method.options.group] for some in rewards])
    return [
        row
        for (query, responses), some, worth in zip(asked, rewards, advantages, strict=True)
        for row in _rows(policy, query, responses, some, worth, step)
    ]


async def _responses(method: OnlineMethod, policy: Policy, query: Query, step: int) -> list[Completion]:
    prompt_ids = policy.prompt(query.messages)
    return await asyncio.gather(
        *(
            policy.sample(
                prompt_ids,
                draw=("online", step, query.id, number),
                max_tokens=method.options.max_tokens,
                temperature=1.0,
                entropies=True,
                certainties=method.certainties,
            )
            for number in range(method.options.responses)
        )
    )


def _rewards(
    method: OnlineMethod, policy: Policy, query: Query, responses: list[Completion], step: int
) -> list[float]:
    random = np.random.default_rng(seed_of(policy.seed, "reward", step, query.id))
    rewards = [float(reward) for reward in method.reward(query, responses, random)]
    _check(rewards, responses, method, query, step)
    return rewards


def _rows(
    policy: Policy,
    query: Query,
    responses: list[Completion],
    rewards: list[float],
    advantages: list[float],
    step: int,
) -> list[Row]:
    untrained = [None] * (len(rewards) - len(advantages))
    prompt_ids = policy.prompt(query.messages)
    return [
        {
            "id": f"{step}/{query.id}/{number}",
            "query_id": query.id,
            "step": step,
            "number": number,
            "prompt_ids": list(prompt_ids),
            "response_ids": list(response.token_ids),
            "sampled_logps": list(response.logprobs),
            "text": response.text,
            "finish_reason": response.finish_reason,
            "entropy": sum(response.entropies) / len(response.entropies),
            "reward": reward,
            "advantage": advantage,
        }
        for number, (response, reward, advantage) in enumerate(
            zip(responses, rewards, [*advantages, *untrained], strict=True)
        )
    ]


def _check(
    rewards: list[float], responses: list[Completion], method: OnlineMethod, query: Query, step: int
) -> None:
    where = f"method '{method.name}', step {step}, query '{query.id}'"
    if len(rewards) != len(responses):
        raise InputError(f"{where}: {len(rewards)} rewards for {len(responses)} responses")
    for number, reward in enumerate(rewards):
        if not isfinite(reward):
            raise InputError(f"{where}: the reward of response {number + 1} is {reward}, not a finite number")
