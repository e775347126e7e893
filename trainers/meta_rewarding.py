"""Meta-Rewarding: the policy answers, judges its answers, and judges its judgements (arXiv 2407.19594)."""

from asyncio import gather
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from genius_bench.engines.interface import Completion
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query, TrainingRow
from genius_bench.sampling.demonstrations import pair
from genius_bench.sampling.judging import (
    JudgingOptions,
    draw_judgements,
    judge_request,
    mean_score,
    most_disputed,
    read_score,
)
from genius_bench.sampling.meta_judging import best_and_worst
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    TopP,
    distinct,
    draw_responses,
    usable,
)
from genius_bench.sampling.tiers import length_controlled


class MetaRewardingOptions(ResponseOptions, JudgingOptions):
    responses: PositiveInt = 7
    """K."""
    temperature: Temperature = 0.8
    top_p: TopP = 0.95
    judgements: PositiveInt = 11
    """N, of each response; the judge pair is chosen from those of one."""
    length_control: Annotated[float, Field(ge=0, lt=0.5)] = 0.4
    """ρ: the share of the range of scores at its top, and at its bottom, within which only length counts."""
    longest_judgement: PositiveInt = 512
    """Tokens; a pair that prefers a longer one is dropped."""
    judge_rounds: NonNegativeInt = 2
    """Iterations that train the judge as well; later ones train the actor alone."""
    iterations: PositiveInt = 4


class MetaRewarding(Method):
    """Prefers short responses of high score to long ones of low score, and good judgements to bad ones.

    The original begins with a model fine-tuned on labelled judgements, has other queries in each round, and counts the
    wins of both places over all of them; here the first judge is the base, and each query weighs its own places.
    """

    name = "meta-rewarding"
    title = "Meta-Rewarding"
    source = "Wu et al., 'Meta-Rewarding Language Models', EMNLP 2025, arXiv 2407.19594"
    group = "offline"
    Options = MetaRewardingOptions
    schedule = frozenset({"iterations"})

    @property
    def work(self) -> Work:
        o: MetaRewardingOptions = self.options
        share = min(o.judge_rounds, o.iterations) / o.iterations  # of the rounds that train the judge
        judged = o.responses * o.judgements + share * o.judgements * (o.judgements - 1)
        return Work(sampled=o.responses, judged=judged, trained=2 + 2 * share)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: MetaRewardingOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = distinct(usable(await draw_responses(query, policy, options), options))
        if len(responses) < 2:
            return Collected(rows=[], notes={"too_few_responses": 1})
        judged = await gather(
            *(draw_judgements(query, i, one, policy, options) for i, one in enumerate(responses))
        )
        scores = [[read_score(one.text) for one in judgements] for judgements in judged]
        rows: list[TrainingRow] = []
        lengths = [len(response.token_ids) for response in responses]
        actor = length_controlled([mean_score(said) for said in scores], lengths, options.length_control)
        if actor is not None:
            rows.append(pair(query, "actor", prompt_ids, responses[actor[0]], responses[actor[1]]))
        notes = {"ties": int(actor is None), "invalid_judgements": sum(said.count(None) for said in scores)}
        if policy.iteration <= options.judge_rounds:
            number = most_disputed(scores)
            disputed = None if number is None else (responses[number], judged[number])
            judge = await self._judge_pair(query, *disputed, policy) if disputed else None
            rows += [judge] if judge else []
            notes["no_judge_pair"] = int(judge is None)
        trace = [{"response": r.text, "scores": said} for r, said in zip(responses, scores, strict=True)]
        return Collected(rows=rows, trace=trace, notes=notes)

    async def _judge_pair(
        self, query: Query, response: Completion, judgements: Sequence[Completion], policy: Policy
    ) -> TrainingRow | None:
        """The best judgement of a response against the worst, after what a judge is asked."""
        options: MetaRewardingOptions = self.options
        request = judge_request(query, response, options)
        rivals = [one for one in judgements if read_score(one.text) is not None]
        found = await best_and_worst(query, request["content"], rivals, policy, options)
        if found is None or len(found[0].token_ids) > options.longest_judgement:
            return None
        return pair(query, "judge", policy.prompt([request]), *found)
