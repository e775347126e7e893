"""The prompts that a judge would get: made by judging's own code for a judge that writes them down and says nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genius_bench.evaluation.cards import TaskCard
from genius_bench.judging.comparison import Comparison, compare
from genius_bench.judging.rating import Rating, rate
from genius_bench.judging.replies import Prompt, Reply
from genius_bench.rows import Message


@dataclass
class _Recorder:
    both_orders: bool
    name: str = "nobody"
    identity: dict[str, Any] = field(default_factory=dict)
    prompts: list[Prompt] = field(default_factory=list)

    async def ask(self, prompts: Sequence[Prompt], announce: Callable[[str], None]) -> list[Reply]:
        self.prompts += prompts
        return [Reply(error="not asked")] * len(prompts)

    def close(self) -> None:
        """Nothing was opened."""


def prompts_for_judge(
    card: TaskCard,
    answers: Sequence[tuple[dict[str, Any], str]],
    baseline: Mapping[str, str],
    *,
    both_orders: bool,
) -> list[Prompt]:
    """For answers of a judged task, each with its item as grading knows it."""
    recorder = _Recorder(both_orders)
    if card.facts.grader == "rating":
        ratings = [
            Rating(
                id=f"{number}",
                conversation=_turns(entry),
                answer=text,
                checklist=tuple(entry["checklist"]),
            )
            for number, (entry, text) in enumerate(answers)
        ]
        rate(recorder, ratings, lambda text: None)
    else:
        comparisons = [
            Comparison(
                id=f"{number}",
                conversation=_turns(entry),
                answer=text,
                baseline=baseline.get(entry["key"], text),
            )
            for number, (entry, text) in enumerate(answers)
        ]
        compare(recorder, comparisons, lambda text: None)
    return recorder.prompts


def _turns(entry: dict[str, Any]) -> tuple[Message, ...]:
    turns = entry.get("conversation") or [{"role": "user", "content": entry["question"]}]
    return tuple(Message(role=turn["role"], content=turn["content"]) for turn in turns)
