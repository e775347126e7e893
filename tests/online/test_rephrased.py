"""Queries that are asked twice in a step, in their words and in the policy's, each wording seen by the other."""

from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import InputError
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online.stage import learn_online
from genius_bench.online_method import Group, OnlineOptions
from genius_bench.recipe import EngineSection
from genius_bench.sampling.collecting import collect
from genius_bench.sampling.rephrasing import REPHRASED, Rephrasing, RephrasingOptions, rephrased
from tests.training.support import settings

from .support import GROUP, QUERIES, SETTINGS, Early, queries, rollouts_of


class Options(OnlineOptions, RephrasingOptions):
    pass


class Twice(Early):
    name = "twice"
    Options = Options
    rephrases = True
    seen: list[tuple[str, list[tuple[int, ...]], list[tuple[int, ...]]]] = []

    def reward(self, group: Group) -> list[float]:
        here, there = ([one.token_ids for one in some] for some in (group.responses, group.to_other_words))
        self.seen.append((group.query.id, here, there))
        return super().reward(group)


class Says:
    """An engine that answers what it is told to, prompt by prompt."""

    def __init__(self, tokenizer: Any, *answers: tuple[str, str]) -> None:
        self.tokenizer, self.name = tokenizer, "says"
        self.context_length: int | None = 100
        self._answers = iter(answers)

    async def generate(self, request: Request) -> Completion:
        text, reason = next(self._answers)
        return Completion(token_ids=(5,), text=text, logprobs=(-1.0,), finish_reason=reason)  # type: ignore[arg-type]

    def close(self) -> None:
        pass


def test_what_is_no_whole_rephrasing_is_asked_in_its_own_words(tmp_path: Path, llama: Path) -> None:
    from genius_bench.engines.loading import load_tokenizer

    asked = queries(("w3",) * 4)
    said = (" w20 w21\n", "eos"), ("w20", "length"), ("  ", "eos"), ("w22", "eos")
    made = collect(
        Store(tmp_path),
        Rephrasing(RephrasingOptions()),
        corpus=asked,
        policy_fingerprint="p",
        open_engine=lambda: Says(load_tokenizer(llama), *said),
        seed=0,
        queries_in_flight=1,
    )
    found = rephrased(asked.queries, made)
    assert {name: one.messages[-1]["content"] for name, one in found.items()} == {
        "q0": "w20 w21",
        "q1": "w4 w10",
        "q2": "w5 w11",
        "q3": "w22",
    }
    assert [one.id for one in found.values()] == [f"q{n}{REPHRASED}" for n in range(4)]
    with pytest.raises(ValueError, match=r"has no \{query\}"):
        RephrasingOptions(instruction="Say it in other words.")


def test_both_wordings_share_a_step_and_see_each_other(tmp_path: Path, llama: Path) -> None:
    from genius_bench.engines import open_engine

    store, corpus, policy = Store(tmp_path), queries(), ModelFiles("tiny", llama, "tiny")
    options = RephrasingOptions(rephrasing_tokens=64)
    made = collect(
        store,
        Rephrasing(options),
        corpus=corpus,
        policy_fingerprint="tiny",
        open_engine=lambda: open_engine(policy, EngineSection()),
        seed=3,
    )
    method = Twice(Options(responses=GROUP, max_tokens=12, **options.model_dump()))
    Twice.seen.clear()

    def learnt(**changes: Any) -> Any:
        return learn_online(
            store,
            method,
            corpus=corpus,
            policy=policy,
            objective=TokenMean(),
            training=settings(**SETTINGS | {"epochs": 1} | changes),
            engine=EngineSection(),
            seed=3,
            rephrasings=made,
        )

    checkpoint = learnt()
    rows = rollouts_of(checkpoint)
    assert len(rows) == 2 * QUERIES * GROUP
    words = {row["query_id"]: row["prompt_ids"] for row in rows}
    assert any(words[f"q{n}"] != words[f"q{n}{REPHRASED}"] for n in range(QUERIES))
    for step in range(1, QUERIES + 1):  # of one query in two wordings: two groups of four
        assert [row["query_id"].removesuffix(REPHRASED) for row in rows if row["step"] == step] == [
            next(row["query_id"] for row in rows if row["step"] == step)
        ] * 8
    here = {name: mine for name, mine, _ in Twice.seen}
    for name, _, other in Twice.seen:
        partner = name.removesuffix(REPHRASED) if name.endswith(REPHRASED) else name + REPHRASED
        assert other == here[partner]
    counted = checkpoint.manifest["counters"]["tokens_sampled"]
    assert (
        counted == sum(len(row["response_ids"]) for row in rows) + made.manifest["counters"]["tokens_sampled"]
    )
    with pytest.raises(InputError, match="not a multiple of a query's 8"):
        learnt(batch_size=4)
