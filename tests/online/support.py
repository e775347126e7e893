"""Tiny online trainings: a random policy of 40 words, methods that read nothing but words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.loading import ModelFiles
from genius_bench.objectives.online.named import TokenMean
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.stage import learn_online
from genius_bench.online_method import Group, OnlineMethod
from genius_bench.recipe import EngineSection, LaunchSection
from genius_bench.rows import Message, Query
from tests.training.support import settings

GROUP, QUERIES, STEPS = 4, 6, 6
SETTINGS: dict[str, Any] = {
    "batch_size": 8,
    "micro_batch_size": 4,
    "epochs": 2,
    "checkpoint_every": 2,
    "warmup": 0,
}


class Early(OnlineMethod):
    """Rewards words from the first half of the vocabulary."""

    name = "early"
    title = "Early words"
    source = "a test"

    def reward(self, group: Group) -> list[float]:
        return [sum(token < 20 for token in one.token_ids) / len(one.token_ids) for one in group.responses]


def queries(answers: Sequence[str] = ("w3",) * QUERIES) -> Corpus:
    asked = [
        Query(id=f"q{n}", messages=(Message(role="user", content=f"w{3 + n} w{9 + n}"),), answer=answer)
        for n, answer in enumerate(answers)
    ]
    return Corpus(name="tiny", queries=asked)


def learn(
    store: Store,
    policy: Path,
    method: type[OnlineMethod] = Early,
    *,
    corpus: Corpus | None = None,
    seed: int = 3,
    sampling: dict[str, Any] | None = None,
    objective: TokenObjective | None = None,
    launch: LaunchSection | None = None,
    **changes: Any,
) -> Artifact:
    options = method.Options(**{"responses": GROUP, "max_tokens": 12} | (sampling or {}))
    return learn_online(
        store,
        method(options),
        corpus=corpus or queries(),
        policy=ModelFiles("tiny", policy, "tiny"),
        objective=objective or TokenMean(),
        training=settings(**SETTINGS | changes),
        engine=EngineSection(),
        seed=seed,
        launch=launch,
    )


def rollouts_of(artifact: Artifact) -> list[dict[str, Any]]:
    return list(artifact.rows())
