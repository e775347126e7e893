"""Numbers that remember where they come from; a number is as good as the worst of those it is made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any


class Source(Enum):
    """Where a number comes from, best first: `rank` orders them, `mark` stands behind them in tables."""

    FOUND = "found", "ᶠ", "is there"
    COUNTED = "counted", "ᶜ", "from the recipe, the corpus and the model's configuration"
    MEASURED = "measured", "ᵐ", "here, by a small calibration"
    GIVEN = "given", "ᵍ", "on the command line"
    ASSUMED = "assumed", "ᵃ", "the recipe's limits, or a rule of thumb"

    def __init__(self, label: str, mark: str, meaning: str) -> None:
        self.label = label
        self.mark = mark
        self.meaning = meaning

    @property
    def rank(self) -> int:
        return list(Source).index(self)


@dataclass(frozen=True)
class Amount:
    """A value (bytes, tokens, seconds, …) and its source. Zeros have no say in the source of a sum."""

    value: float
    source: Source

    def __add__(self, other: "Amount") -> "Amount":
        if not other.value:
            return self
        if not self.value:
            return other
        return Amount(self.value + other.value, worst(self, other))

    def __mul__(self, other: "Amount | float") -> "Amount":
        factor = other if isinstance(other, Amount) else counted(other)
        return Amount(self.value * factor.value, worst(self, factor))

    def __truediv__(self, other: "Amount | float") -> "Amount":
        divisor = other if isinstance(other, Amount) else counted(other)
        return Amount(self.value / divisor.value, worst(self, divisor))

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "source": self.source.label}


def worst(*amounts: Amount) -> Source:
    return max((amount.source for amount in amounts), key=lambda source: source.rank)


found = partial(Amount, source=Source.FOUND)
counted = partial(Amount, source=Source.COUNTED)
measured = partial(Amount, source=Source.MEASURED)
given = partial(Amount, source=Source.GIVEN)
assumed = partial(Amount, source=Source.ASSUMED)

NOTHING = found(0.0)


def at_most(amount: Amount, limit: float | None) -> Amount:
    """None is no limit."""
    return amount if limit is None else Amount(min(amount.value, limit), amount.source)


def largest(amounts: Iterable[Amount]) -> Amount:
    return max(amounts, key=lambda amount: amount.value)
