"""OpenCompass' MBPP evaluator, unharmed by programs that end their process (it would lose all results)."""

from typing import Any

from opencompass.datasets import mbpp  # type: ignore[import-not-found]

original = mbpp.execution


def execution(programs: Any, number: int, timeout: float) -> tuple[int, str]:
    """What became of one program; one that left no verdict has failed."""
    try:
        outcome: tuple[int, str] = original(programs, number, timeout)
        return outcome
    except (IndexError, EOFError, OSError):
        return number, "failed"


class CarefulMBPPEvaluator(mbpp.MBPPEvaluator):
    """The same prompts, tests and counts."""

    def score(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        mbpp.execution = execution
        result: dict[str, Any] = super().score(predictions, references)
        return result
