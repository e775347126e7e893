"""Sharpening: the model is its own verifier by how probable it finds what it says (arXiv 2412.01951)."""

from typing import Literal

from pydantic import PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.choice import highest
from genius_bench.sampling.demonstrations import demonstration, pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, draw_responses, usable
from genius_bench.sampling.self_reward import log_probability, log_probability_per_token


class SharpeningOptions(ResponseOptions):
    responses: PositiveInt = 50
    """N."""
    form: Literal["sft", "preference"] = "sft"
    """The best of N, imitated; or N/2 pairs as they come, for the objective of the same name."""
    reward: Literal["sum", "mean"] = "sum"
    """With `sft`: log π(y|x) of the whole response, or per token, which favours no length (`objective.reward` is that
    of pairs)."""


class Sharpening(Method):
    """Moves its mass to the responses that it finds most probable itself; no label of any kind is needed.

    What is preferred in a pair is decided by the objective, from log-probabilities, not by who is called chosen: that
    is whose tokens come first in order. Exploration (XPO's bonus on responses of the model in training) is left out.
    """

    name = "sharpening"
    title = "Sharpening"
    source = (
        "Huang et al., 'Self-Improvement in Language Models', ICLR 2025, arXiv 2412.01951, §3.1 and Eq. 8"
    )
    group = "offline"
    Options = SharpeningOptions
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}
    variants = {
        "paper": {},
        "preference": {
            "sampling": {"form": "preference", "responses": 2},
            "objective": {"name": "sharpening"},
            "training": {"learning_rate": 5e-7, "warmup": 0.1, "max_length": 2048},
        },
    }

    @property
    def work(self) -> Work:
        options: SharpeningOptions = self.options
        return Work(sampled=options.responses, trained=1 if options.form == "sft" else options.responses)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: SharpeningOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        notes = {"unusable": options.responses - len(responses)}
        if options.form == "preference":
            drawn = zip(responses[0::2], responses[1::2], strict=False)
            halves = [sorted(two, key=lambda one: one.token_ids) for two in drawn]
            rows = [
                pair(query, i, prompt_ids, first, second)
                for i, (first, second) in enumerate(halves)
                if first.token_ids != second.token_ids
            ]
            return Collected(rows=list(rows), notes=notes | {"identical": len(halves) - len(rows)})
        reward = log_probability if options.reward == "sum" else log_probability_per_token
        best = [responses[i] for i in highest([reward(one) for one in responses], 1)]
        return Collected(
            rows=[demonstration(query, "best", prompt_ids, one.token_ids) for one in best],
            trace=[{"response": one.text, "reward": reward(one)} for one in responses],
            notes=notes,
        )
