"""Self-Explore: step-level preferences from the first pit of wrong answers (arXiv 2404.10346)."""

from asyncio import gather
from typing import Literal

from pydantic import PositiveInt

from genius_bench.method import Collected, Work
from genius_bench.rows import Query, TrainingRow
from genius_bench.sampling.demonstrations import demonstration, pair
from genius_bench.sampling.exploring import ExplorationOptions, first_pit
from genius_bench.sampling.phases import PhasedMethod, PhaseOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import Temperature, distinct, draw_responses, usable
from genius_bench.sampling.solutions import draw_solutions, right_and_wrong
from genius_bench.seeds import seed_of


class SelfExploreOptions(ExplorationOptions, PhaseOptions):
    responses: PositiveInt = 100
    """N."""
    temperature: Temperature = 0.7
    keep: PositiveInt = 8
    """Right solutions of a query that the explorer is made of, and wrong ones that it explores, at most."""
    explorer: Literal["rft", "base"] = "rft"
    """Who explores: the base after a round of RFT on its own right solutions, or the base itself."""


class SelfExplore(PhasedMethod):
    """Prefers the completions that are found from before a wrong answer's first pit to the step that falls into it.

    Explorer and reference are one model. Where the original samples the answers to explore from the model before RFT,
    here the explorer draws its own, so that their log-probabilities are those of the reference.
    """

    name = "self-explore"
    title = "Self-Explore"
    source = "Hwang et al., 'Self-Explore', EMNLP Findings 2024, arXiv 2404.10346"
    group = "offline"
    needs = frozenset({"answers"})
    Options = SelfExploreOptions
    schedule = frozenset({"imitation_factor"})
    variants = {"paper": {}, "no_rft": {"sampling": {"explorer": "base"}}}

    @property
    def iterations(self) -> int:
        return 2 if self.options.explorer == "rft" else 1

    @property
    def work(self) -> Work:
        options: SelfExploreOptions = self.options
        # A completion is on average half a response; a step, which is all that is rejected, counts as one.
        explored = options.keep * options.max_steps * options.explorations / 2
        imitated = options.keep * (self.iterations - 1)
        return Work(
            sampled=options.responses + explored / self.iterations,
            trained=(imitated + 2 * options.keep) / self.iterations,
        )

    def imitates(self, iteration: int) -> bool:
        return iteration < self.iterations

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: SelfExploreOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        right, wrong = right_and_wrong(responses, query.answer or "")
        seed = seed_of(policy.seed, "keep", query.id)
        right = draw_solutions(right, options.keep, seed, distinct="equations")
        notes = {"unusable": options.responses - len(responses), "always_wrong": int(not right)}
        if self.imitates(policy.iteration):
            kept = [demonstration(query, i, prompt_ids, one.token_ids) for i, one in enumerate(right)]
            return Collected(rows=list(kept), notes=notes)

        wrong = draw_solutions(distinct(wrong), len(right), seed)  # each beside a right one
        pits = await gather(
            *(first_pit(query, i, one, prompt_ids, policy, options) for i, one in enumerate(wrong))
        )
        rows: list[TrainingRow] = []
        used: set[tuple[int, ...]] = set()
        notes |= {"no_pit": 0, "repeated": 0}
        for number, (pit, own) in enumerate(zip(pits, right, strict=False)):
            if pit is None:
                notes["no_pit"] += 1
                continue
            found = pit.right or (own,)
            chosen = next((one for one in found if one.token_ids not in used), None)
            if chosen is None or pit.step.token_ids in used:
                notes["repeated"] += 1
                continue
            used |= {chosen.token_ids, pit.step.token_ids}
            rows.append(pair(query, number, (*prompt_ids, *pit.before), chosen, pit.step))
        trace = [
            {"wrong": one.text, "pit": pit and pit.step.text} for one, pit in zip(wrong, pits, strict=True)
        ]
        return Collected(rows=rows, trace=trace, notes=notes)
