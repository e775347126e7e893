"""TTRL: test-time reinforcement learning (arXiv 2504.16084)."""

from collections.abc import Sequence

import numpy as np

from genius_bench.engines.interface import Completion
from genius_bench.online_method import OnlineMethod
from genius_bench.rows import Query
from genius_bench.sampling.answers import final_answer
from genius_bench.sampling.voting import majority


class TTRL(OnlineMethod):
    """Rewards the answer that most of a query's responses give, as they are drawn at every step.

    Responses without a final answer neither vote nor are rewarded, but count in the baseline; on a tie nobody is
    rewarded. The vote is that of the policy as it is; voters and trained responses are the same where `trained` is not
    given.
    """

    name = "ttrl"
    title = "TTRL"
    source = "Zuo et al., 'TTRL: Test-Time Reinforcement Learning', NeurIPS 2025, arXiv 2504.16084"

    def reward(
        self, query: Query, responses: Sequence[Completion], random: np.random.Generator
    ) -> list[float]:
        answers = [final_answer(response.text) for response in responses]
        label = majority(answers)
        return [float(label is not None and answer == label) for answer in answers]
