"""Responses as training rows: token ids as they were sampled, with the log-probabilities that sampling has measured."""

from collections.abc import Sequence
from dataclasses import replace

from genius_bench.engines.interface import Completion
from genius_bench.engines.turns import answer_ids, with_turn_end
from genius_bench.rows import Demonstration, PreferencePair, Query
from genius_bench.sampling.policy import Policy


def reference_ids(query: Query, policy: Policy) -> tuple[int, ...]:
    """The labelled response as tokens, ended as the model's layout ends a turn; empty when it is missing or blank.

    Raises `InputError` where neither template nor tokenizer has an end.
    """
    text = (query.reference or "").strip()
    return answer_ids(policy.tokenizer, query.messages, text) if text else ()


def ended_as_labelled(response: Completion, policy: Policy) -> tuple[int, ...]:
    """The tokens of a sampled response with the end that labelled ones have, whichever token ended it.

    A model may be stopped by several tokens. Beside a labelled response the last token alone would tell them apart.
    """
    if response.finish_reason != "eos":
        return response.token_ids
    return with_turn_end(policy.tokenizer, response.token_ids)


def labelled(query: Query, policy: Policy) -> Completion | None:
    """The labelled response as a completion that nobody has sampled, without log-probabilities; None where it is blank.

    Raises `InputError` as `reference_ids` does.
    """
    ids = reference_ids(query, policy)
    text = (query.reference or "").strip()
    return Completion(token_ids=ids, text=text, logprobs=(), finish_reason="eos") if ids else None


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
    """Two responses that were sampled after `prompt_ids`: their summed log-probabilities are the reference's.

    One without log-probabilities has none for a reference either.
    """
    return replace(
        unreferenced_pair(query, name, prompt_ids, chosen.token_ids, rejected.token_ids),
        weight=weight,
        reference_chosen_logp=sum(chosen.logprobs) if chosen.logprobs else None,
        reference_rejected_logp=sum(rejected.logprobs) if rejected.logprobs else None,
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
