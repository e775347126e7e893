"""The policy judges its own responses: the rubric, reading scores, averages of several judgements."""

import re
from asyncio import gather
from collections.abc import Sequence
from statistics import pvariance
from typing import Literal

from pydantic import PositiveInt

from genius_bench.answers.quotations import announces, own_lines
from genius_bench.answers.remarks import changes_mark
from genius_bench.answers.thoughts import without_thoughts
from genius_bench.engines.interface import Completion
from genius_bench.lab.instructions import MAXIMAL_SCORE, judge_prompt
from genius_bench.recipe import Section
from genius_bench.rows import Message, Query
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import Temperature, TopP

SCORE = re.compile(r"\bscore\b[\s*_`]*(?P<scale>\([^()\n]*\))?[\s*_`]*(?:is\s*)?[:：=]", re.IGNORECASE)
NUMBER = re.compile(r"[\s*_`<(\[]*(?P<value>[-+]?\d+(?:[.,]\d+)?)[ \t*_`>)\]]*(?P<tail>[^\n]*)")


class JudgingOptions(Section):
    judgements: PositiveInt = 3
    """How often each response is judged; valid scores are averaged."""
    judge_temperature: Temperature = 0.7
    judge_top_p: TopP = 0.9
    judge_max_tokens: PositiveInt = 512
    rubric: Literal["additive", "short"] = "additive"
    """The cumulative rubric of Self-Rewarding in our own words, or a few lines that a small model has learnt."""


def additive_prompt(question: str, answer: str) -> str:
    """Points are cumulative: each stands for one more quality, 0 to 5 in all."""
    return (
        "Here are a user's request and a response to it.\n\n"
        f"<request>\n{question}\n</request>\n\n<response>\n{answer}\n</response>\n\n"
        "Judge the response by collecting points, one after the other; stop where one is not deserved:\n"
        "- first point: it is on the subject and gives some information, even if incomplete or partly beside it;\n"
        "- second point: it covers a good part of the request, though it does not settle it;\n"
        "- third point: it answers the essentials in a useful way, whoever may have written it;\n"
        "- fourth point: it is plainly written by an assistant for this user, direct, complete and well ordered, "
        "with little left to improve;\n"
        "- fifth point: it is the work of an expert, made for this very request, with nothing superfluous, "
        "and a pleasure to read.\n\n"
        "Give your reasons in at most a hundred words. Then end with one line that says\n"
        f"Score: <points in all, 0 to {MAXIMAL_SCORE}>"
    )


RUBRICS = {"additive": additive_prompt, "short": judge_prompt}


def read_score(judgement: str) -> float | None:
    """The number after the last "Score:", from 0 to 5 (whole or decimal); None for anything else.

    A sum counts by its result. "3-4", "3 or 4", "4/10" and "11" are no score on this scale, and "4 (no, 3)" is none at
    all. Thoughts and quotations do not count.
    """
    text = "\n".join(own_lines(without_thoughts(judgement)))
    found = [(label, match) for label in SCORE.finditer(text) if (match := _number(text[label.end() :]))]
    if not found:
        return None
    label, number = found[-1]
    above = text[: label.start()].rpartition("\n")[0].rpartition("\n")[2]
    value, remark = float(number["value"].replace(",", ".")), f"{number['tail']} {label['scale'] or ''}"
    if announces(above) or changes_mark(remark, MAXIMAL_SCORE) or not 0 <= value <= MAXIMAL_SCORE:
        return None
    return value


def _number(rest: str) -> re.Match[str] | None:
    """What follows the colon, or the right side of "1 + 1 + 0 = 2"."""
    total = re.match(r"[\d .+*]*=(.*)", rest)
    return NUMBER.match(total[1] if total else rest)


def judge_request(query: Query, response: Completion, options: JudgingOptions) -> Message:
    """What a judge of the response is asked."""
    question = "\n\n".join(message["content"] for message in query.messages)
    return Message(role="user", content=RUBRICS[options.rubric](question, response.text))


async def draw_judgements(
    query: Query, number: int, response: Completion, policy: Policy, options: JudgingOptions
) -> list[Completion]:
    """Judgements of response `number`."""
    prompt_ids = policy.prompt([judge_request(query, response, options)])
    return await gather(
        *(
            policy.sample(
                prompt_ids,
                draw=("judgement", query.id, number, repeat),
                max_tokens=options.judge_max_tokens,
                temperature=options.judge_temperature,
                top_p=options.judge_top_p,
                purpose="judged",
            )
            for repeat in range(options.judgements)
        )
    )


async def judge(
    query: Query, number: int, response: Completion, policy: Policy, options: JudgingOptions
) -> list[float | None]:
    """Scores of response `number`, one a judgement; None where a judgement holds no valid score."""
    judgements = await draw_judgements(query, number, response, policy, options)
    return [read_score(judgement.text) for judgement in judgements]


def mean_score(scores: list[float | None]) -> float | None:
    """The mean of the valid scores; None when there is none."""
    valid = [score for score in scores if score is not None]
    return sum(valid) / len(valid) if valid else None


def most_disputed(scores: Sequence[Sequence[float | None]]) -> int | None:
    """Which response's valid scores vary most, the first of equals; None where nobody's do."""
    valid = [[score for score in said if score is not None] for said in scores]
    spreads = [pvariance(said) if said else 0.0 for said in valid]
    widest = max(spreads, default=0.0)
    return spreads.index(widest) if widest > 0 else None
