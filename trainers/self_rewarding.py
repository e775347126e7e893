"""Self-Rewarding language models: the policy judges its own responses (arXiv 2401.10020)."""

from asyncio import gather
from collections.abc import Sequence
from typing import Literal

from pydantic import NonNegativeFloat, PositiveInt

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Query
from genius_bench.sampling.demonstrations import pair
from genius_bench.sampling.judging import JudgingOptions, judge, mean_score
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    TopP,
    distinct,
    draw_responses,
    usable,
)


class SelfRewardingOptions(ResponseOptions, JudgingOptions):
    responses: PositiveInt = 4
    """N."""
    temperature: Temperature = 0.7
    top_p: TopP = 0.9
    pairs: Literal["best_worst", "all_by_gap"] = "best_worst"
    """The highest against the lowest score, or all pairs of unequal score, widest gap first."""
    max_pairs: PositiveInt = 4
    """With `all_by_gap`: per query."""
    min_gap: NonNegativeFloat = 1.0
    """With `all_by_gap`: points between chosen and rejected, at least; equal scores never make a pair."""
    iterations: PositiveInt = 1


class SelfRewarding(Method):
    """Prefers the responses that it gives itself the highest score for.

    The original also writes new queries and, before all, is fine-tuned on labelled instructions and judgements (M1);
    the paper's baseline has neither: queries are given, and the first judge is the base model.
    """

    name = "self-rewarding"
    title = "Self-Rewarding"
    source = "Yuan et al., 'Self-Rewarding Language Models', ICML 2024, arXiv 2401.10020"
    group = "paper"
    Options = SelfRewardingOptions
    schedule = frozenset({"iterations"})
    variants = {
        "paper": {},
        "original": {"sampling": {"iterations": 2}},  # M1 → M2 → M3
        "four_pairs": {"sampling": {"pairs": "all_by_gap"}},  # as many as the other preference methods
    }

    @property
    def work(self) -> Work:
        options: SelfRewardingOptions = self.options
        pairs = 1 if options.pairs == "best_worst" else options.max_pairs
        judged = options.responses * options.judgements
        return Work(sampled=options.responses, judged=judged, trained=2 * pairs)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: SelfRewardingOptions = self.options
        prompt_ids = policy.prompt(query.messages)
        responses = distinct(usable(await draw_responses(query, policy, options), options))
        if len(responses) < 2:  # nothing to compare: not worth judging
            return Collected(rows=[], notes={"too_few_responses": 1})
        judgements = await gather(
            *(judge(query, number, response, policy, options) for number, response in enumerate(responses))
        )
        means = [mean_score(scores) for scores in judgements]
        scored = [(i, score) for i, score in enumerate(means) if score is not None]
        chosen = self._pairs(scored)
        notes = {
            "invalid_judgements": sum(score is None for scores in judgements for score in scores),
            "unjudged_responses": len(means) - len(scored),
            "too_few_judged": int(len(scored) < 2),
            "ties": int(len(scored) >= 2 and not chosen),
        }
        rows = [
            pair(query, f"{best}-{worst}", prompt_ids, responses[best], responses[worst])
            for best, worst in chosen
        ]
        trace = [{"response": r.text, "scores": s} for r, s in zip(responses, judgements, strict=True)]
        return Collected(rows=list(rows), trace=trace, notes=notes)

    def _pairs(self, scored: Sequence[tuple[int, float]]) -> list[tuple[int, int]]:
        """(chosen, rejected), by number of response."""
        options: SelfRewardingOptions = self.options
        gaps = [(high - low, better, worse) for better, high in scored for worse, low in scored if high > low]
        gaps.sort(key=lambda gap: -gap[0])
        if options.pairs == "best_worst":
            return [(better, worse) for _, better, worse in gaps[:1]]
        wide = [(better, worse) for gap, better, worse in gaps if gap >= options.min_gap]
        return wide[: options.max_pairs]
