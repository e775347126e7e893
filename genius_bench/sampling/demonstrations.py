"""Responses as training rows: token ids as they were sampled, with the log-probabilities that sampling has measured."""

from collections.abc import Sequence
from dataclasses import replace

from genius_bench.engines.interface import Completion
from genius_bench.rows import Demonstration, PreferencePair, Query
from genius_bench.sampling.policy import Policy


def reference_ids(query: Query, policy: Policy) -> tuple[int, ...]:
    """The labelled response as tokens, end of sequence included; empty when it is missing or blank."""
    text = (query.reference or "").strip()
    if not text:
        return ()
    if not getattr(policy.tokenizer, "chat_template", None):
        text = f" {text}"  # the plain layout's prompt ends in "Answer:"
    ids: list[int] = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
    return (*ids, policy.tokenizer.eos_token_id)


def demonstration(
    query: Query, name: str | int, prompt_ids: Sequence[int], response_ids: Sequence[int], weight: float = 1.0
) -> Demonstration:
    """A row to imitate; `name` tells it from the query's others."""
    return Demonstration(
        id=f"{query.id}/{name}",
        query_id=query.id,
        prompt_ids=tuple(prompt_ids),
        response_ids=tuple(response_ids),
        weight=weight,
    )


def pair(
    query: Query,
    name: str | int,
    prompt_ids: Sequence[int],
    chosen: Completion,
    rejected: Completion,
    weight: float = 1.0,
) -> PreferencePair:
    """Two responses that were sampled after `prompt_ids`: their summed log-probabilities are the reference's."""
    return replace(
        unreferenced_pair(query, name, prompt_ids, chosen.token_ids, rejected.token_ids),
        weight=weight,
        reference_chosen_logp=sum(chosen.logprobs),
        reference_rejected_logp=sum(rejected.logprobs),
    )


def unreferenced_pair(
    query: Query, name: str | int, prompt_ids: Sequence[int], chosen: Sequence[int], rejected: Sequence[int]
) -> PreferencePair:
    """Two responses of which sampling has measured no log-probability after `prompt_ids`."""
    return PreferencePair(
        id=f"{query.id}/{name}",
        query_id=query.id,
        prompt_ids=tuple(prompt_ids),
        chosen_ids=tuple(chosen),
        rejected_ids=tuple(rejected),
    )
