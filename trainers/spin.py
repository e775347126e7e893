"""SPIN: self-play fine-tuning (arXiv 2401.01335)."""

from pydantic import PositiveInt

from genius_bench.layers import Layer
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import ended_as_labelled, reference_ids, unreferenced_pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, draw_responses, usable
from genius_bench.sampling.rounds import PerIteration, of_iteration


class SpinOptions(ResponseOptions):
    iterations: PositiveInt = 4
    beta_factors: PerIteration = (1.0, 1.0, 1.0, 50.0)
    """Multiples of `objective.beta`, one per iteration: 0.1, 0.1, 0.1, 5.0 as in the original."""
    learning_rate_factors: PerIteration = (1.0, 1.0, 0.2, 0.2)
    """Multiples of `training.learning_rate`: 5e-7, 5e-7, 1e-7, 1e-7 as in the original."""


class SPIN(Method):
    """Prefers the labelled response to its own, and plays again with what it has become as the opponent.

    Its loss is DPO's with the opponent as reference. The original also trains on the previous iteration's pairs and
    several epochs; here an iteration has its own pairs only, and all methods train alike.
    """

    name = "spin"
    title = "SPIN"
    source = "Chen et al., 'Self-Play Fine-Tuning Converts Weak to Strong', ICML 2024, arXiv 2401.01335"
    group = "paper"
    needs = frozenset({"references"})
    Options = SpinOptions
    schedule = frozenset({"iterations", "beta_factors", "learning_rate_factors"})
    training = {"reference": "recompute"}  # nobody has sampled the labelled responses

    @property
    def work(self) -> Work:
        return Work(sampled=self.options.responses, trained=2 * self.options.responses)

    def factors_of(self, iteration: int) -> Layer:
        beta = of_iteration(self.options.beta_factors, iteration)
        learning_rate = of_iteration(self.options.learning_rate_factors, iteration)
        return {"objective": {"beta": beta}, "training": {"learning_rate": learning_rate}}

    async def collect(self, query: Query, policy: Policy) -> Collected:
        reference = reference_ids(query, policy)
        if not reference:
            return Collected(rows=[], notes={"blank_reference": 1})
        prompt_ids = policy.prompt(query.messages)
        own = usable(await draw_responses(query, policy, self.options), self.options)
        said = dict.fromkeys(ended_as_labelled(response, policy) for response in own)
        rejected = [ids for ids in said if ids != reference]
        rows = [unreferenced_pair(query, i, prompt_ids, reference, ids) for i, ids in enumerate(rejected)]
        notes = {"unusable": self.options.responses - len(own), "as_labelled": len(own) - len(rejected)}
        return Collected(rows=list(rows), notes=notes)
