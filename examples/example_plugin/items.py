"""The items of a task, made here instead of read from a data set."""

from typing import Any


def items(task: str, split: str, count: int) -> list[dict[str, Any]]:
    """`split` is "evaluation" for the task's own split; another name is what `evaluation.split` asks for."""
    first = 1 if split == "evaluation" else 1_000
    return [
        {"question": f"Is {number} even? Answer yes or no.", "answer": "No" if number % 2 else "Yes"}
        for number in range(first, first + count)
    ]
