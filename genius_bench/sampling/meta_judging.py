"""The policy compares its own judgements, and their battles are rated (Meta-Rewarding, arXiv 2407.19594, §2.2)."""

import re
from asyncio import gather
from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import numpy as np

from genius_bench.answers.quotations import own_lines
from genius_bench.answers.thoughts import without_thoughts
from genius_bench.engines.interface import Completion
from genius_bench.rows import Message, Query
from genius_bench.sampling.judging import JudgingOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import distinct

WINNER = re.compile(r"\W*winner\W*(?:is\W*)?(?:judge?ment\W*)?(?P<name>[AB])\W*", re.IGNORECASE)
PRIOR = 1e-8
"""Keeps the rating of a judgement that has won every battle finite; moves others by less than that."""
MOST_STEPS = 200

Verdict = Literal["first", "second"] | None


def meta_prompt(asked: str, first: str, second: str) -> str:
    """Which of two judgements is better; `asked` is what the judges were asked, rubric included."""
    return (
        "Two judges were given the same task, which stands between the first tags. Their judgements follow.\n\n"
        f"<request>\n{asked}\n</request>\n\n"
        f"<judgement_a>\n{first}\n</judgement_a>\n\n<judgement_b>\n{second}\n</judgement_b>\n\n"
        "Say which judgement keeps to the rules of the task, describes the response rightly, and gives the score "
        "that the response deserves. Neither order nor length counts. Give your reasons in a few words. Then end "
        "with one line that says\nWinner: <A or B>"
    )


def read_winner(reply: str) -> Verdict:
    """Whom the last line names; None for anything else."""
    lines = own_lines(without_thoughts(reply))
    named = WINNER.fullmatch(lines[-1]) if lines else None
    return None if named is None else "first" if named["name"].upper() == "A" else "second"


async def best_and_worst(
    query: Query, asked: str, judgements: Sequence[Completion], policy: Policy, options: JudgingOptions
) -> tuple[Completion, Completion] | None:
    """The judgements of the highest and of the lowest rating; None where the battles tell none apart."""
    rivals = sorted(distinct(judgements), key=lambda one: one.token_ids)  # the same in any order of arrival
    verdicts = await meta_judge(query, asked, rivals, policy, options)
    ratings = np.round(elo(battles(verdicts, len(rivals))), 6)
    if ratings.max() == ratings.min():
        return None
    return rivals[int(ratings.argmax())], rivals[int(ratings.argmin())]


async def meta_judge(
    query: Query, asked: str, judgements: Sequence[Completion], policy: Policy, options: JudgingOptions
) -> dict[tuple[int, int], Verdict]:
    """Every two judgements against each other in both orders: (shown first, shown second) → who won."""
    places = list(permutations(range(len(judgements)), 2))
    replies = await gather(
        *(
            policy.sample(
                policy.prompt([_message(asked, judgements[first], judgements[second])]),
                draw=("meta-judgement", query.id, first, second),
                max_tokens=options.judge_max_tokens,
                temperature=options.judge_temperature,
                top_p=options.judge_top_p,
                purpose="judged",
            )
            for first, second in places
        )
    )
    return {place: read_winner(reply.text) for place, reply in zip(places, replies, strict=True)}


def battles(verdicts: dict[tuple[int, int], Verdict], count: int) -> np.ndarray:
    """Weighted wins of judgement i over j, shape [count, count].

    A win in the place that wins more often weighs less: ω₁ = wins in second place / all wins for one in first
    place, and ω₂ the other way round. Where one place always wins, nothing is left.
    """
    wins = [sum(one == place for one in verdicts.values()) for place in ("first", "second")]
    weight = {"first": wins[1] / max(1, sum(wins)), "second": wins[0] / max(1, sum(wins))}
    result = np.zeros((count, count))
    for (first, second), verdict in verdicts.items():
        if verdict is not None:
            won, lost = (first, second) if verdict == "first" else (second, first)
            result[won, lost] += weight[verdict]
    return result


def elo(wins: np.ndarray) -> np.ndarray:
    """ε that maximises Σ wins[i, j]·log σ(ε_i − ε_j), sum 0, shape [judgements]; by Newton's steps, of 1 at most."""
    scores = np.zeros(len(wins))
    games = wins + wins.T
    for _ in range(MOST_STEPS):
        p = 1 / (1 + np.exp(scores[None] - scores[:, None]))  # σ(ε_i − ε_j)
        gradient = (wins * (1 - p)).sum(axis=1) - (wins.T * p).sum(axis=1) - PRIOR * scores
        curvature = games * p * (1 - p)
        hessian = np.diag(curvature.sum(axis=1) + PRIOR) - curvature
        step = np.linalg.solve(hessian, gradient)
        scores += step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < 1e-10:
            break
    centred: np.ndarray = scores - scores.mean()
    return centred


def _message(asked: str, first: Completion, second: Completion) -> Message:
    return Message(role="user", content=meta_prompt(asked, first.text, second.text))
