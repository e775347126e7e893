"""Rows of a training set as the trainer wants them: checked, in an order of their own, as compact arrays."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genius_bench.errors import InputError
from genius_bench.objectives.interface import Objective

TokenIds = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One row to train on; a demonstration has no rejected response.

    Reference log-probabilities are sums over response tokens in nats, None where not recorded.
    """

    id: str
    prompt: TokenIds
    chosen: TokenIds
    rejected: TokenIds | None = None
    chosen_advantage: float = 0.0
    rejected_advantage: float = 0.0
    weight: float = 1.0
    reference_chosen: float | None = None
    reference_rejected: float | None = None

    @property
    def responses(self) -> list[TokenIds]:
        """Chosen first."""
        return [self.chosen] if self.rejected is None else [self.chosen, self.rejected]

    @property
    def tokens(self) -> int:
        """Tokens that the policy reads for this row."""
        return sum(len(self.prompt) + len(response) for response in self.responses)

    @property
    def longest_sequence(self) -> int:
        """Tokens of the prompt with the longer response."""
        return len(self.prompt) + max(map(len, self.responses))

    @property
    def response_tokens(self) -> int:
        """Tokens that carry the loss."""
        return sum(len(response) for response in self.responses)

    def with_reference(self, chosen: float, rejected: float) -> "Example":
        return replace(self, reference_chosen=chosen, reference_rejected=rejected)


@dataclass(frozen=True)
class Examples:
    """What is trained on, sorted by id, and how many rows were dropped for which reason."""

    kept: list[Example]
    dropped: dict[str, int]


def read_examples(
    rows: Iterable[dict[str, Any]], objective: Objective, *, max_length: int, vocabulary: int
) -> Examples:
    """Rows (`PreferencePair` or `Demonstration` as dicts) as examples for `objective`.

    A row that is too long, has an empty response or two identical ones is dropped and counted, never changed.
    Raises `InputError` where a row cannot be meant for this objective or model, or none is left.
    """
    dropped: Counter[str] = Counter(too_long=0, empty=0, identical=0)
    kept: list[Example] = []
    for example in _parse(rows, objective):
        if reason := _reason_to_drop(example, max_length):
            dropped[reason] += 1
        else:
            _check(example, vocabulary)
            kept.append(example)
    if not kept:
        counts = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in dropped.items())
        hint = "; raise training.max_length" if dropped["too_long"] else ""
        raise InputError(
            f"no row of the training set is left to train on ({counts}; limit {max_length} tokens){hint}"
        )
    _check_ids(kept)
    _check_advantages(kept, objective)
    # Sorted, so that the order in which an interrupted sampler happened to write them changes nothing.
    return Examples(sorted(kept, key=lambda example: example.id), dict(dropped))


def _parse(rows: Iterable[dict[str, Any]], objective: Objective) -> Iterator[Example]:
    for row in rows:
        if "response_ids" in row:
            if objective.eats == "pairs":
                raise InputError(
                    f"objective '{objective.name}' needs pairs of responses, and this training set holds "
                    "demonstrations: use an objective for demonstrations (--set objective.name=sft)"
                )
            chosen = _tokens(row["response_ids"])
            yield Example(
                id=row["id"], prompt=_tokens(row["prompt_ids"]), chosen=chosen, weight=row["weight"]
            )
        else:
            pair = _pair(row)
            yield replace(pair, rejected=None) if objective.eats == "demonstrations" else pair


def _pair(row: dict[str, Any]) -> Example:
    return Example(
        id=row["id"],
        prompt=_tokens(row["prompt_ids"]),
        chosen=_tokens(row["chosen_ids"]),
        rejected=_tokens(row["rejected_ids"]),
        chosen_advantage=row["chosen_advantage"],
        rejected_advantage=row["rejected_advantage"],
        weight=row["weight"],
        reference_chosen=row["reference_chosen_logp"],
        reference_rejected=row["reference_rejected_logp"],
    )


def _tokens(ids: list[int]) -> TokenIds:
    return np.asarray(ids, dtype=np.int32)


def _reason_to_drop(example: Example, max_length: int) -> str | None:
    if not all(map(len, example.responses)):
        return "empty"
    if example.rejected is not None and np.array_equal(example.chosen, example.rejected):
        return "identical"
    if example.longest_sequence > max_length:
        return "too_long"
    return None


def _check(example: Example, vocabulary: int) -> None:
    if not len(example.prompt):
        raise InputError(f"training row '{example.id}' has an empty prompt: nothing predicts its first token")
    largest = max(int(ids.max()) for ids in (example.prompt, *example.responses))
    if largest >= vocabulary:
        raise InputError(
            f"training row '{example.id}' holds token {largest}, and the policy knows {vocabulary}: "
            "the training set was made with another tokenizer"
        )
    numbers = {
        "weight": example.weight,
        "chosen_advantage": example.chosen_advantage,
        "rejected_advantage": example.rejected_advantage,
        "reference_chosen_logp": example.reference_chosen or 0.0,
        "reference_rejected_logp": example.reference_rejected or 0.0,
    }
    for name, value in numbers.items():
        if not isfinite(value):
            raise InputError(f"training row '{example.id}': {name} is {value}, not a finite number")


def _check_ids(kept: list[Example]) -> None:
    name, times = Counter(example.id for example in kept).most_common(1)[0]
    if times > 1:
        raise InputError(f"the training set has {times} rows called '{name}': ids must be unique")


def _check_advantages(kept: list[Example], objective: Objective) -> None:
    if objective.needs_advantages and not any(e.chosen_advantage or e.rejected_advantage for e in kept):
        raise InputError(
            f"objective '{objective.name}' needs advantages, and no row of this training set has any: "
            "take an objective that does without (--set objective.name=dpo)"
        )


def check_references(examples: list[Example]) -> None:
    """Raises `InputError` where a reference log-probability was not recorded."""
    missing = [e.id for e in examples if e.reference_chosen is None or e.reference_rejected is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(examples)} training rows have no recorded reference log-probability "
            f"(first: '{missing[0]}'): --set training.reference=recompute"
        )
