"""Iterative RPO: preferences between right and wrong reasoning, again and again (arXiv 2404.19733)."""

from pydantic import PositiveInt

from genius_bench.layers import Layer
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import labelled, pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, Temperature, distinct, draw_responses, usable
from genius_bench.sampling.rounds import PerIteration, of_iteration
from genius_bench.sampling.solutions import right_and_wrong


class IterativeRpoOptions(ResponseOptions):
    responses: PositiveInt = 30
    """N."""
    temperature: Temperature = 0.8
    temperature_factors: PerIteration = (1.0, 1.0, 1.625)
    """Multiples of `temperature`, one per iteration: 1.3 from the third on, so that wrong answers do not run out."""
    max_pairs: PositiveInt = 10
    """K: at most so many a query."""
    gold: bool = False
    """The labelled solution stands among the right ones."""
    iterations: PositiveInt = 4


class IterativeRPO(Method):
    """Prefers its right answers to its wrong ones, and imitates the right ones meanwhile.

    An iteration trains the model that has sampled its pairs, which is also the reference: the base model is that in the
    first one only.
    """

    name = "iterative-rpo"
    title = "Iterative RPO"
    source = "Pang et al., 'Iterative Reasoning Preference Optimization', NeurIPS 2024, arXiv 2404.19733"
    group = "offline"
    needs = frozenset({"answers"})
    Options = IterativeRpoOptions
    schedule = frozenset({"iterations"})
    objective = {"name": "rpo"}
    variants = {
        "paper": {},
        "gold": {"sampling": {"gold": True}},
        "without_nll": {"objective": {"alpha": 0.0}},
    }

    def __init__(self, options: IterativeRpoOptions) -> None:
        super().__init__(options)
        self.needs = self.needs | ({"references"} if options.gold else set())

    @property
    def work(self) -> Work:
        return Work(sampled=self.options.responses, trained=2 * self.options.max_pairs)

    def settings_of(self, iteration: int) -> Layer:
        """Nobody has sampled the labelled solution."""
        return {"training": {"reference": "recompute"}} if self.options.gold else {}

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: IterativeRpoOptions = self.options
        factor = of_iteration(options.temperature_factors, policy.iteration)
        drawn = options.model_copy(update={"temperature": factor * options.temperature})
        responses = usable(await draw_responses(query, policy, drawn), options)
        right, wrong = right_and_wrong(distinct(responses), query.answer or "")
        if options.gold and (gold := labelled(query, policy)):
            right = distinct([*right, gold])
        notes = {"unusable": options.responses - len(responses)}
        if not (right and wrong):
            return Collected(rows=[], notes=notes | {"all_wrong" if wrong else "all_right": 1})
        # Through both in turn, beginning anew at the end of each: as many of them as may be have their place.
        places = dict.fromkeys((k % len(right), k % len(wrong)) for k in range(options.max_pairs))
        prompt_ids = policy.prompt(query.messages)
        rows = [pair(query, f"{i}-{j}", prompt_ids, right[i], wrong[j]) for i, j in places]
        return Collected(rows=list(rows), notes=notes | {"repeated": options.max_pairs - len(rows)})
