"""DPO-ST: self-training whose solutions are written by a model that was first taught preferences (arXiv 2407.18248)."""

from itertools import product
from typing import Any

from pydantic import Field, PositiveInt

from genius_bench.method import Collected, Work
from genius_bench.rows import Query
from genius_bench.sampling.alikeness import TokenIds, alikeness, unlike
from genius_bench.sampling.demonstrations import (
    demonstration,
    ended_as_labelled,
    reference_ids,
    unreferenced_pair,
)
from genius_bench.sampling.phases import PhasedMethod, PhaseOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, Temperature, draw_responses, usable
from genius_bench.sampling.solutions import right_and_wrong


class DpoStOptions(ResponseOptions, PhaseOptions):
    responses: PositiveInt = 5
    """Drawn to be preferred or rejected."""
    solutions: PositiveInt = 3
    """Drawn to be imitated where they are right."""
    temperature: Temperature = 0.7
    rounds: PositiveInt = 3
    """Each of two iterations: preferences, then imitation."""
    max_pairs: PositiveInt = 3
    """Of a query: those whose halves are least alike."""
    most_alike: float = Field(default=0.7, ge=0, le=1)
    """Share of tokens in common beyond which two solutions count as one; see `sampling.alikeness`."""


class DpoST(PhasedMethod):
    """SFT on labelled solutions; then in turn DPO on its own right against wrong ones, and SFT on all right ones.

    Preferences begin at the last imitator, which is their reference; imitation begins at the base model. Either kind of
    iteration keeps what those of its kind have drawn before. The original's calculator is left out.
    """

    name = "dpo-st"
    title = "DPO-ST"
    source = "Wang et al., 'Self-Training with Direct Preference Optimization', ACL 2024, arXiv 2407.18248"
    group = "offline"
    needs = frozenset({"answers", "references"})
    Options = DpoStOptions
    schedule = frozenset({"rounds", "imitation_factor"})
    builds_on_earlier = True
    training = {"reference": "recompute"}  # labelled and older solutions are among the pairs

    @property
    def iterations(self) -> int:
        return 1 + 2 * self.options.rounds

    @property
    def work(self) -> Work:
        o: DpoStOptions = self.options
        imitated = sum(1 + o.solutions * number for number in range(o.rounds + 1))
        return Work(
            sampled=o.rounds * (o.responses + o.solutions) / self.iterations,
            trained=(imitated + o.rounds * 2 * o.max_pairs) / self.iterations,
        )

    def imitates(self, iteration: int) -> bool:
        return iteration % 2 == 1

    def restarts_from_base(self, iteration: int) -> bool:
        return self.imitates(iteration)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: DpoStOptions = self.options
        prompt_ids, gold = policy.prompt(query.messages), reference_ids(query, policy)
        if not gold:
            return Collected(rows=[], notes={"blank_reference": 1})
        count = options.solutions if self.imitates(policy.iteration) else options.responses
        drawn = options.model_copy(update={"responses": count})
        first = policy.iteration == 1
        responses = [] if first else usable(await draw_responses(query, policy, drawn), options)
        outcomes = right_and_wrong(responses, query.answer or "")
        trace = [[ended_as_labelled(one, policy) for one in half] for half in outcomes]
        before = [one.trace for one in policy.earlier[(policy.iteration - 1) % 2 :: 2]]  # those of its kind
        right, wrong = (self._pooled([trace, *before], half) for half in (0, 1))

        right = unlike([gold, *right], options.most_alike)
        notes = {"unusable": 0 if first else count - len(responses)}
        if self.imitates(policy.iteration):
            kept = [demonstration(query, i, prompt_ids, ids) for i, ids in enumerate(right)]
            return Collected(rows=list(kept), trace=trace, notes=notes)
        wrong = unlike(wrong, options.most_alike)
        apart = sorted(product(right, wrong), key=lambda one: alikeness(*one))[: options.max_pairs]
        rows = [unreferenced_pair(query, i, prompt_ids, *pair) for i, pair in enumerate(apart)]
        return Collected(rows=list(rows), trace=trace, notes=notes | {"never_wrong": int(not wrong)})

    def _pooled(self, traces: list[Any], half: int) -> list[TokenIds]:
        """The right (0) or wrong (1) responses of several iterations, each once, in an order of their own."""
        return sorted({tuple(ids) for trace in traces if trace for ids in trace[half]})
