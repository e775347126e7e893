"""A method: of k responses to a query, imitate the one that the policy itself finds most probable."""

from pydantic import PositiveInt

from genius_bench.engines.interface import Completion
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, draw_responses, usable


class SamplingOptions(ResponseOptions):
    """The recipe's `sampling` section: temperature, top_p, max_tokens and unfinished are inherited."""

    responses: PositiveInt = 4
    """k: how many are drawn per query."""


class ExampleConfidence(Method):
    name = "example-confidence"
    title = "Most probable of k"
    source = "where it was published: a paper, a page"
    Options = SamplingOptions
    objective = {"name": "sft"}

    @property
    def work(self) -> Work:
        return Work(sampled=self.options.responses, trained=1)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        responses = usable(await draw_responses(query, policy, self.options), self.options)
        if not responses:
            return Collected(rows=[], notes={"unfinished": 1})
        best = max(responses, key=mean_logprob)
        trace = [{"text": response.text, "mean_logprob": mean_logprob(response)} for response in responses]
        prompt_ids = policy.prompt(query.messages)
        return Collected(rows=[demonstration(query, "best", prompt_ids, best.token_ids)], trace=trace)


def mean_logprob(response: Completion) -> float:
    """Nats per token."""
    return sum(response.logprobs) / len(response.logprobs)
