"""The items of the plug-in's task."""


def items(task: str, split: str, count: int) -> list[dict[str, str]]:
    return [
        {"question": f"Is {n} even? Answer yes or no.", "answer": "no" if n % 2 else "yes"}
        for n in range(count)
    ]
