"""Settings that change from iteration to iteration."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import Field, PositiveFloat

Value = TypeVar("Value")

PerIteration = Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
"""One value per iteration; the last one also holds for all that follow."""


def of_iteration(values: Sequence[Value], iteration: int) -> Value:
    """The value of iteration 1, 2, …"""
    return values[min(iteration, len(values)) - 1]
