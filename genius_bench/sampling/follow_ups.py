"""Follow-up questions: whether a rationale also leads to the right verdict on each option (CREST, arXiv 2411.06387)."""

import re
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import PositiveInt

from genius_bench.answers import yes_no
from genius_bench.engines.interface import Completion
from genius_bench.recipe import Section
from genius_bench.rows import Message, Query
from genius_bench.sampling.answers import final_answer
from genius_bench.sampling.policy import Policy

AT_LINES = re.compile(r"^\s*\(?(?P<label>[A-J])[).:]\s+(?P<text>\S.*?)\s*$", re.MULTILINE)
AFTER_TEXTS = re.compile(r"(?P<text>[^\s,;:.()][^,;:.()\n]*?)\s*\((?P<label>[A-J])\)")
VERDICT = re.compile(
    r"(?:(?P<denied>\bnot|\bno|\bnothing|\bnever|\bnone|\bneither|\bhardly|n['’]t)\b(?:[^\w.,;:!?]+\w+){0,3}[^\w.,;:!?]+)?"
    r"\b(?:(?P<good>correct|right|true|valid)|incorrect|wrong|false|invalid)\b",
    re.IGNORECASE,
)


class FollowUpOptions(Section):
    follow_up: str = "Going by this reasoning alone, is {option} the correct answer? Say Yes or No."
    """Asked of every option, greedily, below the query and a rationale."""
    judge_max_tokens: PositiveInt = 16
    """Of a reply to it."""


@dataclass(frozen=True)
class Choice:
    """What a query lets one choose from. `gold` is one of the labels."""

    options: dict[str, str]
    """By label."""
    gold: str


def choice_of(query: Query) -> Choice | None:
    """The options that the query lists (`A. red` on lines of their own, or `red (A), blue (B)`), or Yes and No.

    None where the gold answer is neither, as for questions without options.
    """
    text, gold = query.messages[-1]["content"], final_answer(f"The answer is {query.answer}.")
    if gold in ("Yes", "No"):
        return Choice({"Yes": "Yes", "No": "No"}, gold)
    for layout in (AT_LINES, AFTER_TEXTS):
        options = {found["label"]: found["text"] for found in layout.finditer(text)}
        if len(options) > 1 and sorted(options) == [chr(ord("A") + place) for place in range(len(options))]:
            return Choice(options, gold) if gold is not None and gold in options else None
    return None


def rationale_of(text: str) -> str:
    """A response without the lines at its end that only state its answer; all of it where it has no others."""
    lines = text.strip().splitlines()
    kept = list(lines)
    while kept and (not kept[-1].strip() or final_answer(kept[-1]) is not None):
        kept.pop()
    return "\n".join(kept or lines)


def read_verdict(reply: str) -> bool | None:
    """Whether a reply calls the option correct: by its yes or no, else by what it says last; None where by neither.

    "not the correct answer" and "incorrect" do not; "nothing wrong with it" and "a notable, correct one" do.
    """
    decided = yes_no.extract(reply)
    if decided is not None:
        return decided == "Yes"
    verdicts = list(VERDICT.finditer(reply))
    return bool(verdicts[-1]["good"]) != bool(verdicts[-1]["denied"]) if verdicts else None


async def consistencies(
    query: Query, responses: Sequence[Completion], policy: Policy, options: FollowUpOptions
) -> tuple[int, list[int]]:
    """How many follow-up questions the query has (F), and on how many of them each response's rationale leads to what
    is true."""
    choice = choice_of(query)
    if choice is None:
        return 0, [0] * len(responses)
    scores = (_consistency(query, i, one, choice, policy, options) for i, one in enumerate(responses))
    return len(choice.options), await gather(*scores)


async def _consistency(
    query: Query, number: int, response: Completion, choice: Choice, policy: Policy, options: FollowUpOptions
) -> int:
    replies = await gather(
        *(
            policy.sample(
                policy.prompt(
                    _asked(query, response, f"{text} ({label})" if text != label else label, options)
                ),
                draw=("follow-up", query.id, number, label),
                max_tokens=options.judge_max_tokens,
                temperature=0.0,
                purpose="judged",
            )
            for label, text in choice.options.items()
        )
    )
    verdicts = zip(choice.options, map(read_verdict, (reply.text for reply in replies)), strict=True)
    return sum(verdict is (label == choice.gold) for label, verdict in verdicts)


def _asked(query: Query, response: Completion, option: str, options: FollowUpOptions) -> Sequence[Message]:
    *before, last = query.messages
    question = options.follow_up.replace("{option}", option)
    content = f"{last['content']}\n\nReasoning:\n{rationale_of(response.text)}\n\n{question}"
    return (*before, Message(role=last["role"], content=content))
