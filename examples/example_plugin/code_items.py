"""The items of a task of code: functions to write."""

from typing import Any


def items(task: str, split: str, count: int) -> list[dict[str, Any]]:
    """`entry_point` names the function that is asked for, `tests` are asserts that call it."""
    return [
        {
            "question": f"Write a function power_{exponent}(x) that returns x to the power of {exponent}.",
            "entry_point": f"power_{exponent}",
            "tests": [f"assert power_{exponent}({x}) == {x**exponent}" for x in (0, 1, 3)],
            "code": f"def power_{exponent}(x):\n    return x ** {exponent}",
        }
        for exponent in range(2, 2 + count)
    ]
