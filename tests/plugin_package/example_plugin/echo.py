"""A method in one file: imitate the reference response. It needs labels, so it says so."""

from genius_bench.method import Collected, Method
from genius_bench.rows import Demonstration, Query
from genius_bench.sampling.policy import Policy


class Echo(Method):
    """Samples nothing: one demonstration per query that has a reference."""

    name = "example-echo"
    title = "Echo"
    source = "an example"
    needs = frozenset({"references"})
    objective = {"name": "sft"}

    async def collect(self, query: Query, policy: Policy) -> Collected:
        if query.reference is None:
            return Collected(rows=[], notes={"no reference": 1})
        tokenizer = policy.tokenizer
        response = tokenizer(query.reference, add_special_tokens=False)["input_ids"]
        row = Demonstration(
            id=query.id,
            query_id=query.id,
            prompt_ids=policy.prompt(query.messages),
            response_ids=(*response, tokenizer.eos_token_id),
        )
        return Collected(rows=[row])
