"""What judging will cost, before it is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.errors import InputError
from genius_bench.judging.replies import Prompt
from genius_bench.recipe import JudgeSection

BYTES_PER_TOKEN = 4
"""Of UTF-8: close for English, and on the safe side of characters / 4 for scripts with more tokens a character."""
PER_MILLION = 1e-6


@dataclass(frozen=True)
class CostEstimate:
    """Of the judgements that are not stored yet. `cost` is in the currency of the prices; None without prices.

    `prompt_tokens` are UTF-8 bytes / 4, `completion_tokens` the upper bound `max_tokens` for every call.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None

    def __str__(self) -> str:
        tokens = f"about {self.prompt_tokens:,} prompt tokens (bytes / {BYTES_PER_TOKEN})"
        bound = f"at most {self.completion_tokens:,} completion tokens"
        price = "" if self.cost is None else f", at most about {self.cost:.2f} in the currency of the prices"
        return f"{self.calls:,} judgements to ask for: {tokens}, {bound}{price}"


def estimate(prompts: Sequence[Prompt], section: JudgeSection) -> CostEstimate:
    """What asking `prompts` once will take; tries that fail are not counted."""
    characters = sum(len(message["content"].encode()) for prompt in prompts for message in prompt)
    prompt_tokens = -(-characters // BYTES_PER_TOKEN)
    completion_tokens = len(prompts) * section.max_tokens
    return CostEstimate(
        len(prompts), prompt_tokens, completion_tokens, price(prompt_tokens, completion_tokens, section)
    )


def price(prompt_tokens: int, completion_tokens: int, section: JudgeSection) -> float | None:
    """In the currency of the prices; None where the recipe does not give both."""
    if section.input_price is None or section.output_price is None:
        return None
    return (prompt_tokens * section.input_price + completion_tokens * section.output_price) * PER_MILLION


def check_cost(expected: CostEstimate, spent: float, section: JudgeSection) -> None:
    """Raises `InputError` where `spent` and what is expected come to more than the recipe allows."""
    if section.max_cost is None or expected.cost is None:  # a limit without prices is refused with the recipe
        return
    if spent + expected.cost > section.max_cost:
        raise InputError(
            f"judging may cost {spent + expected.cost:.2f} ({expected}), more than "
            f"evaluation.judge.max_cost = {section.max_cost:g}: raise it, or set evaluation.limit"
        )
