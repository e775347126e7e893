"""Certainty: the best of N by self-certainty (arXiv 2502.18581), imitated."""

from typing import Literal

from pydantic import NonNegativeFloat, PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.choice import highest
from genius_bench.sampling.demonstrations import demonstration
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, Temperature, TopP, draw_responses, usable
from genius_bench.sampling.self_reward import answers_of, borda_votes, certainty


class CertaintyOptions(ResponseOptions):
    responses: PositiveInt = 8
    """N."""
    temperature: Temperature = 0.6
    top_p: TopP = 0.9
    votes: Literal["none", "borda"] = "none"
    """The most certain of all; or of those whose answer has the most votes, which are weighed by certainty's ranks."""
    power: NonNegativeFloat = 0.5
    """With `borda`: p of a vote (N − rank)^p; 0 counts heads."""
    without_answer: Literal["last", "equal"] = "last"
    """Responses without a final answer are chosen where no other is, or stand among the others."""


class Certainty(Method):
    """Imitates the response during which its own next-word distributions were furthest from uniform.

    The original selects answers when a model is used; here the selection is trained into it, as sharpening does with
    log-probabilities. Certainty is measured while sampling, of the distribution before temperature and top-p.
    """

    name = "certainty"
    title = "Certainty"
    source = "Kang et al., 'Scalable Best-of-N Selection via Self-Certainty', NeurIPS 2025, arXiv 2502.18581"
    group = "offline"
    Options = CertaintyOptions
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}
    variants = {"paper": {}, "borda": {"sampling": {"votes": "borda"}}}

    @property
    def work(self) -> Work:
        return Work(sampled=self.options.responses, trained=1)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: CertaintyOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = usable(await draw_responses(query, policy, options, certainties=True), options)
        scores, answers = [certainty(one) for one in responses], answers_of(responses)
        candidates = list(range(len(responses)))
        if options.without_answer == "last":
            candidates = [i for i in candidates if answers[i] is not None] or candidates
        notes = {
            "unusable": options.responses - len(responses),
            "unanswered": len(responses) - len(candidates),
        }
        if options.votes == "borda" and (votes := borda_votes(scores, answers, options.power)):
            winning = max(votes, key=lambda answer: votes[answer])
            candidates = [i for i in candidates if answers[i] == winning]
        best = [candidates[place] for place in highest([scores[i] for i in candidates], 1)]
        return Collected(
            rows=[demonstration(query, "best", prompt_ids, responses[i].token_ids) for i in best],
            trace=[{"response": one.text, "certainty": s} for one, s in zip(responses, scores, strict=True)],
            notes=notes,
        )
