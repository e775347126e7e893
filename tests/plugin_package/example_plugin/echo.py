"""A method in one file: imitate the reference response. It needs labels, so it says so."""

from genius_bench.method import Collected, Method
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration, reference_ids
from genius_bench.sampling.policy import Policy


class Echo(Method):
    """Samples nothing: one demonstration per query that has a reference."""

    name = "example-echo"
    title = "Echo"
    source = "an example"
    needs = frozenset({"references"})
    objective = {"name": "sft"}

    async def collect(self, query: Query, policy: Policy) -> Collected:
        response_ids = reference_ids(query, policy)
        if not response_ids:
            return Collected(rows=[], notes={"no reference": 1})
        return Collected(rows=[demonstration(query, 0, policy.prompt(query.messages), response_ids)])
