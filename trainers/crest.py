"""CREST: rationales are also judged by what they say to follow-up questions (arXiv 2411.06387)."""

from itertools import product
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from genius_bench.layers import Layer, merge
from genius_bench.method import Collected, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration, unreferenced_pair
from genius_bench.sampling.follow_ups import FollowUpOptions, consistencies
from genius_bench.sampling.phases import PhasedMethod, PhaseOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    TopP,
    distinct,
    draw_responses,
    usable,
)
from genius_bench.sampling.solutions import right_and_wrong
from genius_bench.seeds import seed_of


class CrestOptions(ResponseOptions, PhaseOptions, FollowUpOptions):
    responses: PositiveInt = 16
    temperature: Temperature = 0.8
    top_p: TopP = 0.95
    tolerance: NonNegativeInt = 3
    """t: follow-up questions that may be answered wrongly from a rationale that is imitated."""
    max_pairs: PositiveInt = 5
    """Per query, so that queries with many rationales do not swamp the others."""
    consistent: float = Field(default=0.6, ge=0, le=1)
    """λ: share of the pairs whose halves are both right, the chosen one on more follow-up questions."""
    rounds: PositiveInt = 4
    """Iterations on the same pairs, each with the model of the one before as its reference."""


class CREST(PhasedMethod):
    """SFT on right rationales that stand up to follow-up questions, then DPO on pairs by answer and by consistency.

    Queries without options have no follow-up questions: there all right rationales are imitated, and pairs are by
    answer alone. Rationale and answer are one response here; follow-up questions are not shown the answer.
    """

    name = "crest"
    title = "CREST"
    source = "Lee et al., 'Self-Training Meets Consistency', NAACL 2025, arXiv 2411.06387"
    group = "offline"
    needs = frozenset({"answers"})
    Options = CrestOptions
    schedule = frozenset({"rounds", "imitation_factor"})
    builds_on_earlier = True

    @property
    def iterations(self) -> int:
        return 1 + self.options.rounds

    @property
    def work(self) -> Work:
        o: CrestOptions = self.options
        trained = o.responses + o.rounds * 2 * o.max_pairs
        return Work(*(part / self.iterations for part in (o.responses, 4 * o.responses, trained)))

    def imitates(self, iteration: int) -> bool:
        return iteration == 1

    def settings_of(self, iteration: int) -> Layer:
        """Rationales are the base model's, the reference is what was trained since."""
        return merge(super().settings_of(iteration), {"training": {"reference": "recompute"}})

    async def collect(self, query: Query, policy: Policy) -> Collected:
        if self.imitates(policy.iteration):
            return await self._rated(query, policy)
        return self._paired(query, policy, **policy.earlier[0].trace or {"right": [], "wrong": []})

    async def _rated(self, query: Query, policy: Policy) -> Collected:
        options: CrestOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        right, wrong = right_and_wrong(distinct(responses), query.answer or "")
        questions, scores = await consistencies(query, right, policy, options)
        rated = [(one.token_ids, score) for one, score in zip(right, scores, strict=True)]
        kept = [ids for ids, score in rated if score >= questions - options.tolerance]
        return Collected(
            rows=[demonstration(query, i, prompt_ids, ids) for i, ids in enumerate(kept)],
            trace={"right": rated, "wrong": [one.token_ids for one in wrong]},
            notes={"unusable": options.responses - len(responses), "inconsistent": len(rated) - len(kept)},
        )

    def _paired(self, query: Query, policy: Policy, right: list[Any], wrong: list[Any]) -> Collected:
        options: CrestOptions = self.options
        random = np.random.default_rng(seed_of(policy.seed, "crest", query.id))
        by_consistency = [(a, b) for (a, score), (b, other) in product(right, right) if score > other]
        by_answer = [(a, b) for (a, _), b in product(right, wrong)]
        share = round(options.consistent * options.max_pairs)
        kept = [
            pairs[i]
            for pairs, count in ((by_consistency, share), (by_answer, options.max_pairs - share))
            for i in random.permutation(len(pairs))[:count]
        ]
        prompt_ids = policy.prompt(query.messages)
        rows = [unreferenced_pair(query, i, prompt_ids, *halves) for i, halves in enumerate(kept)]
        return Collected(rows=list(rows), notes={"no_contrast": int(not kept)})
