"""What an option of an online method changes: in a step of it, in a short training, in a loss."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from genius_bench.artifacts import Store
from genius_bench.engines.interface import Completion, Request
from genius_bench.objectives.online.batch import TokenBatch
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.rollouts import draw
from genius_bench.online_method import Group
from genius_bench.resolution import Resolved
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.rephrasing import Rephrasing, RephrasingOptions, in_other_words
from tests.objectives.online.group import LENGTHS, OLD, REFERENCE, REWARDS, of_group
from tests.training.support import save_policy

from .support import Early, learn, queries


def step_of(resolved: Resolved, policy: Policy, asked: list[Query]) -> list[dict[str, Any]]:
    """A step's rows; the teacher says something else."""
    method: Any = resolved.method
    teacher = None if method.teacher_weight(0.0) is None else policy
    again = {one.id: _in_other_words(one, method, policy) for one in asked} if method.rephrases else {}
    rows = asyncio.run(draw(method, policy, teacher, asked, 1, again))
    for row in rows:
        row["trained"] = row["number"] < method.options.group
    return rows


def _in_other_words(query: Query, method: Any, policy: Policy) -> Query:
    options = {name: getattr(method.options, name) for name in RephrasingOptions.model_fields}
    said = asyncio.run(Rephrasing(RephrasingOptions(**options)).collect(query, policy))
    return in_other_words(query, said.trace["text"])


def with_entropies(request: Request, completion: Completion) -> Completion:
    """Falling along the response, and different for different ones."""
    if not request.entropies:
        return completion
    many = len(completion.token_ids)
    return Completion(**{**vars(completion), "entropies": tuple(1 + many / (5 + n) for n in range(many))})


def short_training(resolved: Resolved) -> list[dict[str, float]]:
    """The log of a tiny policy's, with the options that are about how it is trained and a reward that it can earn."""
    plugin = type(resolved.method)
    observed = type("Observed", (plugin,), {"reward": _reward, "Options": plugin.Options})
    changes = {"responses": 4, "trained": None, "max_tokens": 12}
    sampling = resolved.method.options.model_dump() | changes
    with TemporaryDirectory() as folder:
        made = learn(
            Store(Path(folder)),
            save_policy("llama", Path(folder) / "policy"),
            observed,
            corpus=queries(("w3",) * 8),
            sampling=sampling,
            batch_size=32,
            epochs=3,
            learning_rate=1e-3,
        )
        log: list[dict[str, float]] = made.json("trainer_log.json")
    return log


def _reward(self: Any, group: Group) -> list[float]:
    return Early.reward(self, group)


def loss_of(objective: TokenObjective) -> list[float]:
    """Of four copies of the group, those of short responses first, so that micro batches differ; and the penalties."""
    order = sorted(range(16), key=lambda place: LENGTHS[place % 4])
    rewards = [[reward + place / 8 * reward for reward in REWARDS] for place in range(4)]
    worth = torch.tensor(objective.advantages(rewards), dtype=torch.float64).view(-1)[order]
    weights = objective.weights([LENGTHS[place % 4] for place in order])
    group = of_group([0.0] * 4, torch.zeros(4, dtype=torch.float64), reference=REFERENCE)
    rows = [place % 4 for place in order]
    batch = TokenBatch(
        now=group.now[rows],
        sampled=group.sampled[rows],
        reference=REFERENCE[rows],
        mask=group.mask[rows],
        advantages=worth,
        weights=weights,
    )
    penalties = objective.penalties(OLD, REFERENCE, group.mask).tolist() if objective.beta else []
    return [float(objective(batch)[0]), *penalties]
