"""CoH, Chain of Hindsight (arXiv 2302.02676): what a helpful answer has that an unhelpful one has not."""

from asyncio import gather
from typing import Literal

from pydantic import PositiveInt

from genius_bench.engines.interface import Completion
from genius_bench.lab.instructions import HELPFUL, UNHELPFUL
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Message, Query, TrainingRow
from genius_bench.sampling.demonstrations import demonstration, unreferenced_pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    draw_responses,
    is_usable,
    with_addition,
)


class CohOptions(ResponseOptions):
    responses: PositiveInt = 4
    """Pairs per query."""
    temperature: Temperature = 0.6
    helpful: str = f"{HELPFUL} correct, complete and clear, with careful reasoning."
    unhelpful: str = f"{UNHELPFUL} flawed or incomplete, with careless reasoning."
    """Added to the query to steer a response; CoH's own markers come first. The baseline of the paper names none."""
    rows: Literal["pairs", "chains"] = "pairs"
    """Pairs trained on the plain query (the paper's baseline), or CoH's chains of answers and feedback."""


class CoH(Method):
    """Asks for good and for bad answers, then prefers the good ones without being asked.

    The original imitates chains, `good`, `bad`, `good bad` and `bad good`, each answer after its marker and the loss
    on the answers alone. Here the markers are turns of the user; a chain of two answers is two demonstrations, of
    which the first is also a chain by itself and so weighs double. Left out: human ratings (the answers are the
    policy's own, good by instruction only), the pre-training text mixed in, and at evaluation the marker: queries are
    asked as they are.
    """

    name = "coh"
    title = "CoH"
    source = (
        "Liu et al., 'Chain of Hindsight Aligns Language Models with Feedback', ICLR 2024, arXiv 2302.02676"
    )
    group = "paper"
    Options = CohOptions
    training = {"reference": "recompute"}  # sampled after a steered prompt, trained after the plain one
    variants = {
        "paper": {},
        "original": {"sampling": {"rows": "chains"}, "objective": {"name": "sft"}},
    }

    @property
    def work(self) -> Work:
        pairs = self.options.responses
        return Work(sampled=2 * pairs, trained=2 * pairs if self.options.rows == "pairs" else 4 * pairs)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: CohOptions = self.options
        helpful, unhelpful = await gather(
            self._steered(query, policy, "helpful"), self._steered(query, policy, "unhelpful")
        )
        pairs: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[Completion, Completion]] = {}
        notes = {"unusable": 0, "identical": 0, "repeated": 0}
        for good, bad in zip(helpful, unhelpful, strict=True):
            if not (is_usable(good, options) and is_usable(bad, options)):
                notes["unusable"] += 1
            elif good.token_ids == bad.token_ids:
                notes["identical"] += 1
            else:
                notes["repeated"] += (good.token_ids, bad.token_ids) in pairs
                pairs.setdefault((good.token_ids, bad.token_ids), (good, bad))
        rows: list[TrainingRow] = []
        for number, (good, bad) in enumerate(pairs.values()):
            if options.rows == "chains":
                rows += self._chains(query, number, good, bad, policy)
            else:
                prompt_ids = policy.prompt(query.messages)
                rows.append(unreferenced_pair(query, number, prompt_ids, good.token_ids, bad.token_ids))
        return Collected(rows=rows, notes=notes)

    async def _steered(
        self, query: Query, policy: Policy, marker: Literal["helpful", "unhelpful"]
    ) -> list[Completion]:
        prompt_ids = policy.prompt(with_addition(query.messages, getattr(self.options, marker)))
        return await draw_responses(query, policy, self.options, prompt_ids=prompt_ids, kind=marker)

    def _chains(
        self, query: Query, number: int, good: Completion, bad: Completion, policy: Policy
    ) -> list[TrainingRow]:
        helpful, unhelpful = self.options.helpful, self.options.unhelpful
        rows: list[TrainingRow] = []
        for name, first, answer, second, other in (
            ("good", helpful, good, unhelpful, bad),
            ("bad", unhelpful, bad, helpful, good),
        ):
            asked = with_addition(query.messages, first)
            answered = Message(role="assistant", content=answer.text)
            then = (*asked, answered, Message(role="user", content=second))
            rows += [
                demonstration(query, f"{number}-{name}", policy.prompt(asked), answer.token_ids, weight=2.0),
                demonstration(query, f"{number}-after-{name}", policy.prompt(then), other.token_ids),
            ]
        return rows
