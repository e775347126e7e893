"""Placebo: the recipe of a method without its signal, to see what the recipe alone does."""

from typing import Literal

import numpy as np
from pydantic import PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration, pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    TopP,
    distinct,
    draw_responses,
    usable,
)
from genius_bench.seeds import seed_of


class PlaceboOptions(ResponseOptions):
    """The draws of ScPO, so that both are given the very same responses."""

    responses: PositiveInt = 8
    temperature: Temperature = 0.7
    top_p: TopP = 0.9
    selection: Literal["random", "length", "all"] = "random"
    """A pair of two responses drawn at random, or of the shortest (chosen) and the longest; or all, imitated."""


class Placebo(Method):
    """Trains on its own responses as they come: nothing is preferred or selected for being better.

    What a method gains over this is due to its signal; what this gains over the base is not due to any.
    """

    name = "placebo"
    title = "Placebo"
    source = "control: the recipes of ScPO (pairs) and STaR (imitation) without votes, answers or filters"
    group = "controls"
    Options = PlaceboOptions
    variants = {
        "paper": {},
        "length": {"sampling": {"selection": "length"}},
        "imitation": {
            "sampling": {"selection": "all", "responses": 1, "temperature": 0.6, "top_p": 1.0},
            "objective": {"name": "sft"},
        },
    }

    @property
    def work(self) -> Work:
        options: PlaceboOptions = self.options
        return Work(sampled=options.responses, trained=options.responses if options.selection == "all" else 2)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: PlaceboOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        if options.selection == "all":
            return Collected(
                rows=[demonstration(query, i, prompt_ids, one.token_ids) for i, one in enumerate(responses)],
                notes={"unusable": options.responses - len(responses)},
            )
        candidates = distinct(responses)
        if len(candidates) < 2:
            return Collected(rows=[], notes={"no_contrast": 1})
        random = np.random.default_rng(seed_of(policy.seed, "placebo", query.id))
        chosen, rejected = (candidates[i] for i in random.choice(len(candidates), 2, replace=False))
        if options.selection == "length":
            candidates.sort(key=lambda response: len(response.token_ids))
            chosen, rejected = candidates[0], candidates[-1]
            if len(chosen.token_ids) == len(rejected.token_ids):
                return Collected(rows=[], notes={"equally_long": 1})
        return Collected(rows=[pair(query, options.selection, prompt_ids, chosen, rejected)])
