"""Supervised fine-tuning: imitate the labelled responses."""

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration, reference_ids
from genius_bench.sampling.policy import Policy


class SFT(Method):
    """One demonstration per query, nothing is sampled.

    (Table 4's "+SFT" imitates the chosen responses of foresight sampling instead: `--method genius --objective sft`.)
    """

    name = "sft"
    title = "SFT"
    source = "Genius, App. B.1; settings of its released fine-tuning script"
    group = "paper"
    needs = frozenset({"references"})
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}

    @property
    def work(self) -> Work:
        return Work(trained=1)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        response_ids = reference_ids(query, policy)
        if not response_ids:
            return Collected(rows=[], notes={"blank_reference": 1})
        return Collected(
            rows=[demonstration(query, "reference", policy.prompt(query.messages), response_ids)]
        )
