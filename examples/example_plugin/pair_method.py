"""A method of pairs: of k responses to a query, the shortest is preferred to the longest."""

from pydantic import PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, draw_responses, usable


class SamplingOptions(ResponseOptions):
    """The recipe's `sampling` section: temperature, top_p, max_tokens and unfinished are inherited."""

    responses: PositiveInt = 4
    """k: how many are drawn per query."""


class ExampleBrevity(Method):
    name = "example-brevity"
    title = "Shortest of k"
    source = "where it was published: a paper, a page"
    Options = SamplingOptions
    objective = {"name": "dpo"}

    @property
    def work(self) -> Work:
        return Work(sampled=self.options.responses, trained=2)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        responses = usable(await draw_responses(query, policy, self.options), self.options)
        if not responses:
            return Collected(rows=[], notes={"unfinished": 1})
        by_length = sorted(responses, key=lambda response: len(response.token_ids))
        chosen, rejected = by_length[0], by_length[-1]
        if len(chosen.token_ids) == len(rejected.token_ids):
            return Collected(rows=[], notes={"equally_long": 1})
        row = pair(query, "lengths", policy.prompt(query.messages), chosen, rejected)
        return Collected(rows=[row], trace={"chosen": chosen.text, "rejected": rejected.text})
