"""A step's rollouts: what the policy said to the step's queries, what that was worth, and the rows of it on disk."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genius_bench.artifacts import Artifact, Build
from genius_bench.engines.interface import Completion
from genius_bench.errors import InputError
from genius_bench.online_method import Group, OnlineMethod
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from genius_bench.seeds import seed_of
from genius_bench.shards import read_shards, shards_of

if TYPE_CHECKING:
    from genius_bench.objectives.online.objective import TokenObjective

Row = dict[str, Any]


def rollouts_of(checkpoint: Artifact, step: int) -> list[Row]:
    """Those of a step (1, 2, …) of a finished training."""
    return list(read_shards([file_of(checkpoint, step)]))


def file_of(checkpoint: Artifact, step: int) -> Path:
    """Where a finished training keeps a step's. Raises `InputError` where they are damaged or gone."""
    return checkpoint.file(f"rows/{step - 1:05d}.parquet")


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
    method: OnlineMethod,
    policy: Policy,
    teacher: Policy | None,
    queries: Sequence[Query],
    step: int,
    rephrased: Mapping[str, Query],
) -> list[Row]:
    """The rollouts of all responses to a step's queries, in their order; behind those to a query come those to the same
    in other words, where there are such. Raises `InputError` for a bad reward."""
    asked = [[query, *([rephrased[query.id]] if rephrased else [])] for query in queries]
    groups = await asyncio.gather(
        *(_group(method, policy, teacher, wording, step) for wordings in asked for wording in wordings)
    )
    if rephrased:
        others = [groups[place ^ 1].responses for place in range(len(groups))]
        groups = [replace(one, to_other_words=other) for one, other in zip(groups, others, strict=True)]
    return [row for group in groups for row in _rows(policy, group, _rewards(method, group, step), step)]


def give_advantages(rows: list[Row], penalties: list[float], objective: "TokenObjective", size: int) -> None:
    """To the first `size` rows of every group: of their rewards less `penalties`, which these rows have, in order."""
    taken = iter(penalties)
    trained = [[row for row in group if row["number"] < size] for group in groups_of(rows)]
    for row in (row for group in trained for row in group):
        row["penalty"] = next(taken)
    worth = objective.advantages([[row["reward"] - row["penalty"] for row in group] for group in trained])
    for group, advantages in zip(trained, worth, strict=True):
        for row, advantage in zip(group, advantages, strict=True):
            row["advantage"] = advantage


def groups_of(rows: Sequence[Row]) -> list[list[Row]]:
    """The responses to each query of a step."""
    return [list(group) for _, group in groupby(rows, key=lambda row: row["query_id"])]


async def _group(
    method: OnlineMethod, policy: Policy, teacher: Policy | None, query: Query, step: int
) -> Group:
    """The policy and its teacher are asked side by side."""
    of_teacher: Any = ()
    if teacher is None:
        responses = await _responses(method, policy, "online", query, step)
    else:
        responses, of_teacher = await asyncio.gather(
            _responses(method, policy, "online", query, step),
            _responses(method, teacher, "teacher", query, step),
        )
    random = np.random.default_rng(seed_of(policy.seed, "reward", step, query.id))
    return Group(query, responses, random, of_teacher)


async def _responses(
    method: OnlineMethod, policy: Policy, who: str, query: Query, step: int
) -> list[Completion]:
    prompt_ids = policy.prompt(query.messages)
    return await asyncio.gather(
        *(
            policy.sample(
                prompt_ids,
                draw=(who, step, query.id, number),
                max_tokens=method.options.max_tokens,
                temperature=1.0,
                entropies=True,
                certainties=method.certainties,
            )
            for number in range(method.options.responses)
        )
    )


def _rewards(method: OnlineMethod, group: Group, step: int) -> list[float]:
    where = f"method '{method.name}', step {step}, query '{group.query.id}'"
    if any(len(response.logprobs) != len(response.token_ids) for response in group.responses):
        raise InputError(
            f"{where}: the engine tells no log-probabilities of its tokens, which are trained on"
        )
    rewards = [float(reward) for reward in method.reward(group)]
    if len(rewards) != len(group.responses):
        raise InputError(f"{where}: {len(rewards)} rewards for {len(group.responses)} responses")
    for number, reward in enumerate(rewards):
        if not isfinite(reward):
            raise InputError(f"{where}: the reward of response {number + 1} is {reward}, not a finite number")
    return rewards


def _rows(policy: Policy, group: Group, rewards: list[float], step: int) -> list[Row]:
    prompt_ids = list(policy.prompt(group.query.messages))
    return [
        {
            "id": f"{step}/{group.query.id}/{number}",
            "query_id": group.query.id,
            "step": step,
            "number": number,
            "prompt_ids": prompt_ids,
            "response_ids": list(response.token_ids),
            "sampled_logps": list(response.logprobs),
            "text": response.text,
            "finish_reason": response.finish_reason,
            "entropy": sum(response.entropies) / len(response.entropies),
            "reward": reward,
            "penalty": None,
            "advantage": None,
        }
        for number, (response, reward) in enumerate(zip(group.responses, rewards, strict=True))
    ]
