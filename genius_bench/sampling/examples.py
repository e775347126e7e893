"""Questions solved by hand, shown as earlier turns before a query."""

from collections.abc import Sequence
from typing import Literal

from genius_bench.recipe import Section
from genius_bench.rows import Message, Query


class Example(Section):
    question: str
    reasoning: str
    """The solution up to and including its answer."""
    answer: str
    """The bare answer: "The answer is 9."."""


def after_examples(
    query: Query, examples: Sequence[Example], part: Literal["reasoning", "answer"]
) -> tuple[Message, ...]:
    """The query's conversation behind its system message and the examples, each answered by its `part`."""
    shown = [
        Message(role=role, content=content)
        for example in examples
        for role, content in (("user", example.question), ("assistant", getattr(example, part)))
    ]
    system = [message for message in query.messages if message["role"] == "system"]
    return (*system, *shown, *query.messages[len(system) :])
