"""What a step says of itself without any label: rewards, votes, lengths and entropy of its rollouts."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean, pstdev

from genius_bench.online.rollouts import Row, groups_of
from genius_bench.sampling.answers import final_answer


def signals(rollouts: Sequence[Row]) -> dict[str, float]:
    """One line: means over responses, or over the groups of a query where a value belongs to a group.

    `silent_groups` is the share of groups without any advantage, `majority_ratio` that of a group's most frequent
    final answer among all its responses, `distinct_answers` how many different ones it states; `entropy` is in nats per
    token.
    """
    rewards = [row["reward"] for row in rollouts]
    groups = groups_of(rollouts)
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
    }
