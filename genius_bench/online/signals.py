"""What a step says of itself without any label: rewards, votes, lengths and entropy of its rollouts."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean, pstdev

import numpy as np

from genius_bench.online.rollouts import Row, groups_of
from genius_bench.sampling.answers import final_answer

QUANTILES = {"median": 0.5, "p99": 0.99, "max": 1.0}


def signals(rollouts: Sequence[Row]) -> dict[str, float]:
    """One line: means over responses, or over the groups of a query where a value belongs to a group.

    `silent_groups` is the share of groups without any advantage, `majority_ratio` that of a group's most frequent
    final answer among all its responses, `distinct_answers` how many different ones it states; `entropy` is in nats per
    token. Where an engine beside the trainer has drawn, `mismatch_…` are quantiles of |Δ log p|, nats a token.
    """
    rewards = [row["reward"] for row in rollouts]
    groups = groups_of(rollouts)
    apart = [
        abs(one - other)
        for row in rollouts
        if row.get("trainer_logps") is not None
        for one, other in zip(row["trainer_logps"], row["sampled_logps"], strict=True)
    ]
    answers = [[final_answer(row["text"]) for row in group] for group in groups]
    stated = [Counter(answer for answer in of_group if answer is not None) for of_group in answers]
    return {
        "reward": mean(rewards),
        "reward_std": pstdev(rewards),
        "silent_groups": mean(not any(row["advantage"] for row in group) for group in groups),
        "majority_ratio": mean(
            max(votes.values(), default=0) / len(group) for votes, group in zip(stated, groups, strict=True)
        ),
        "distinct_answers": mean(map(len, stated)),
        "unstated": mean(answer is None for of_group in answers for answer in of_group),
        "unfinished": mean(row["finish_reason"] == "length" for row in rollouts),
        "length": mean(len(row["response_ids"]) for row in rollouts),
        "entropy": mean(row["entropy"] for row in rollouts),
        **(
            {
                f"mismatch_{name}": float(value)
                for name, value in zip(QUANTILES, np.quantile(apart, [*QUANTILES.values()]), strict=True)
            }
            if apart
            else {}
        ),
    }
