"""The rows that travel between stages. Token ids travel with text, so that nothing is ever re-tokenised."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


class Preference(TypedDict, total=False):
    """What preference data say beside the chosen response, which is a query's `reference`."""

    rejected: str
    weight: float
    chosen_advantage: float
    rejected_advantage: float


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a policy is asked. `reference` is a labelled response, `answer` a gold final answer; a `preference` is read
    only for methods that need it.

    A method is handed only the labels that it declares as needed (`sampling.collecting.visible_part`).
    """

    id: str
    messages: tuple[Message, ...]
    reference: str | None = None
    answer: str | None = None
    preference: Preference | None = None


FinishReason = Literal["eos", "stop", "length"]


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """A response to imitate: what SFT-type objectives eat."""

    id: str
    query_id: str
    prompt_ids: tuple[int, ...]
    response_ids: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class PreferencePair:
    """A chosen and a rejected response to one prompt: what preference objectives eat.

    Response ids hold the end-of-sequence token where the response ended by itself. Advantages are in nats per
    token (Genius Eq. 6); reference log-probabilities are sums over response tokens in nats under π_ref, or None
    when they were not recorded while sampling.
    """

    id: str
    query_id: str
    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]
    chosen_advantage: float = 0.0
    rejected_advantage: float = 0.0
    weight: float = 1.0
    reference_chosen_logp: float | None = None
    reference_rejected_logp: float | None = None


TrainingRow = Demonstration | PreferencePair


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number of a board. `value`, `low`, `high` are percentages; the interval is at 95 %."""

    task: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    details: dict[str, Any] = field(default_factory=dict)
