"""ReST-EM: self-training as expectation-maximisation (arXiv 2312.06585); RFT is one round of it (arXiv 2308.01825)."""

from pydantic import PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import demonstration
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, Temperature, draw_responses, usable
from genius_bench.sampling.solutions import Distinct, draw_solutions, right_and_wrong
from genius_bench.seeds import seed_of


class RestEmOptions(ResponseOptions):
    responses: PositiveInt = 32
    """N."""
    temperature: Temperature = 0.7
    keep: PositiveInt = 10
    """Right solutions that a query trains at most, so that easy queries do not swamp the others."""
    distinct: Distinct = "no"
    """Whether solutions with the same equations count as one, of which a draw is kept (RFT)."""
    iterations: PositiveInt = 3
    restart: bool = True
    """Every M-step trains the base model anew; ReST goes on from the latest policy."""


class RestEM(Method):
    """E-step: draw N solutions from the latest policy and keep right ones. M-step: imitate them, from the base model.

    Of the originals, few-shot prompts are left out (queries are asked as they are), and so are RFT's labelled solutions
    beside the sampled ones. RFT samples from a model that was fine-tuned on them: such a model can be given as base.
    """

    name = "rest-em"
    title = "ReST-EM"
    source = "Singh et al., 'Beyond Human Data', TMLR 2024, arXiv 2312.06585"
    group = "offline"
    needs = frozenset({"answers"})
    Options = RestEmOptions
    schedule = frozenset({"iterations", "restart"})
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}
    variants = {
        "paper": {},
        "rft": {"sampling": {"responses": 100, "distinct": "equations", "iterations": 1}},
    }

    def restarts_from_base(self, iteration: int) -> bool:
        return self.options.restart

    @property
    def work(self) -> Work:
        options: RestEmOptions = self.options
        return Work(sampled=options.responses, trained=min(options.keep, options.responses))

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: RestEmOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options), options)
        right, wrong = right_and_wrong(responses, query.answer or "")
        kept = draw_solutions(right, options.keep, seed_of(policy.seed, "keep", query.id), options.distinct)
        return Collected(
            rows=[demonstration(query, i, prompt_ids, solution.token_ids) for i, solution in enumerate(kept)],
            notes={
                "unusable": options.responses - len(responses),
                "wrong": len(wrong),
                "left_out": len(right) - len(kept),
            },
        )
