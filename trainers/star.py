"""STaR: bootstrapping reasoning with reasoning (arXiv 2203.14465)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import PositiveInt, model_validator

from genius_bench.engines.interface import Completion
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.answers import agrees
from genius_bench.sampling.demonstrations import demonstration
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    draw_responses,
    usable,
    with_addition,
)


class StarOptions(ResponseOptions):
    temperature: Temperature = 0.6
    filter: Literal["none", "gold"] = "none"
    """Which responses are imitated: all (what is left of STaR without answers, the paper's baseline), or those that end
    in the gold answer (STaR itself). Those that a majority agrees on are LMSI's."""
    rationalise: bool = False
    """Queries answered wrongly are asked again with the gold answer as a hint, which is not trained."""
    hint: str = "(Hint: the answer is {answer}.)"
    iterations: PositiveInt = 3
    restart: bool = True
    """Every iteration trains the base model anew, on what the latest policy wrote."""

    @model_validator(mode="after")
    def _hints_are_answers(self) -> "StarOptions":
        if self.rationalise and self.filter != "gold":
            raise ValueError("rationalise needs filter=gold: a hint is a gold answer")
        return self


class STaR(Method):
    """Imitates those of its own responses that pass a filter; begins every round from the base model.

    Of the original, the few-shot prompt and the growing number of steps are left out: queries are asked as they are,
    and all methods train alike.
    """

    name = "star"
    title = "STaR"
    source = "Zelikman et al., 'STaR', NeurIPS 2022, arXiv 2203.14465"
    group = "paper"
    Options = StarOptions
    schedule = frozenset({"iterations", "restart"})
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}
    variants = {
        "paper": {},
        "original": {"sampling": {"filter": "gold", "rationalise": True, "temperature": 0.0}},
    }

    def __init__(self, options: StarOptions) -> None:
        super().__init__(options)
        self.needs = frozenset({"answers"} if options.filter == "gold" else ())

    def restarts_from_base(self, iteration: int) -> bool:
        return self.options.restart

    @property
    def work(self) -> Work:
        options: StarOptions = self.options
        return Work(sampled=options.responses * (1 + options.rationalise), trained=options.responses)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: StarOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        kept, notes = self._accepted(query, responses), {"unusable": options.responses - len(responses)}
        if not kept and options.rationalise:
            hint = options.hint.replace("{answer}", query.answer or "")
            hinted_ids = policy.prompt(with_addition(query.messages, hint))
            responses = usable(
                await draw_responses(query, policy, options, prompt_ids=hinted_ids, kind="rationalised"),
                options,
            )
            kept = self._accepted(query, responses)
            notes["rationalised"] = len(kept)
        notes["filtered"] = len(responses) - len(kept)
        rows = [demonstration(query, i, prompt_ids, response.token_ids) for i, response in enumerate(kept)]
        return Collected(rows=list(rows), notes=notes)

    def _accepted(self, query: Query, responses: Sequence[Completion]) -> list[Completion]:
        if self.options.filter == "gold":
            return [response for response in responses if agrees(response.text, query.answer or "")]
        return list(responses)
