"""ScPO: self-consistency preference optimisation (arXiv 2411.04109)."""

from typing import Literal

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.clustering import ClusterOptions, conclusion, medoid
from genius_bench.sampling.demonstrations import pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, Temperature, TopP, draw_responses, usable
from genius_bench.sampling.rounds import PerIteration, of_iteration
from genius_bench.sampling.voting import losers, vote, winner
from genius_bench.seeds import seed_of


class ScpoOptions(ResponseOptions, ClusterOptions):
    responses: PositiveInt = 8
    """k."""
    temperature: Temperature = 0.7
    top_p: TopP = 0.9
    vote_shares: PerIteration = (0.5, 0.7)
    """τ/k of every iteration: the share of the k votes that the chosen answer needs."""
    hot_pool: Literal["unanimous", "always", "never"] = "unanimous"
    """When responses at `hot_temperature` are drawn that can be rejected, but neither vote nor be chosen."""
    hot_temperature: PositiveFloat = 1.2
    hot_responses: PositiveInt = 8
    chosen: Literal["medoid", "random"] = "medoid"
    """Which of the responses that won the vote is chosen: the one most like the others, or (original) any."""
    iterations: PositiveInt = 1


class ScPO(Method):
    """Prefers the answer that most of its responses agree on to the one that fewest do, the more so the clearer.

    Where fewer than half of the responses state a final answer, clusters of what they conclude vote (the "cluster
    strategy" of Genius' baseline). The original writes new queries too; here they are given.
    """

    name = "scpo"
    title = "ScPO"
    source = "Prasad et al., 'Self-Consistency Preference Optimization', ICML 2025, arXiv 2411.04109"
    group = "paper"
    Options = ScpoOptions
    schedule = frozenset({"iterations"})
    objective = {"name": "scpo"}
    variants = {
        "paper": {},
        "original": {"sampling": {"iterations": 2, "hot_pool": "always", "chosen": "random"}},
        "kmeans": {"sampling": {"clustering": "kmeans"}},
    }

    @property
    def work(self) -> Work:
        hot = 0 if self.options.hot_pool == "never" else self.options.hot_responses
        return Work(sampled=self.options.responses + hot, trained=2)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: ScpoOptions = self.options
        random = np.random.default_rng(seed_of(policy.seed, "scpo", query.id))
        responses = usable(await draw_responses(query, policy, options), options)
        voters, texts = len(responses), [response.text for response in responses]
        groups = vote(texts, options)
        if options.hot_pool == "always" or (options.hot_pool == "unanimous" and len(groups) == 1):
            hotter = {"temperature": options.hot_temperature, "responses": options.hot_responses}
            hot_options = options.model_copy(update=hotter)
            responses += usable(await draw_responses(query, policy, hot_options), options)
            texts = [response.text for response in responses]
            groups = vote(texts, options, voters)

        trace = [{"responses": [texts[i] for i in group.members], "votes": group.votes} for group in groups]
        winning = winner(groups)
        if winning is None:
            return Collected(rows=[], trace=trace, notes={"no_winner": 1})
        if winning.votes < of_iteration(options.vote_shares, policy.iteration) * options.responses:
            return Collected(rows=[], trace=trace, notes={"too_few_votes": 1})
        losing = losers(groups, winning)
        if not losing:
            return Collected(rows=[], trace=trace, notes={"unanimous": 1})

        agreeing = [i for i in winning.members if i < voters]
        if options.chosen == "random":
            chosen = int(random.choice(agreeing))
        else:
            chosen = agreeing[medoid([conclusion(texts[i]) for i in agreeing])]
        rejected = int(random.choice([i for group in losing for i in group.members]))
        weight = (winning.votes - losing[0].votes) / options.responses
        prompt_ids = policy.prompt(query.messages)
        row = pair(query, "vote", prompt_ids, responses[chosen], responses[rejected], weight)
        return Collected(rows=[row], trace=trace)
