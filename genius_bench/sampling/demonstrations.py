"""Responses as training rows: token ids as they were sampled, with the log-probabilities that sampling has measured."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genius_bench.engines.interface import Completion
from genius_bench.engines.turns import answer_ids, with_turn_end
from genius_bench.errors import InputError
from genius_bench.rows import Demonstration, PreferencePair, Query
from genius_bench.sampling.policy import Policy


def reference_ids(query: Query, policy: Policy) -> tuple[int, ...]:
    """The labelled response as tokens, ended as the model's layout ends a turn; empty when it is missing or blank.

    Raises `InputError` where neither template nor tokenizer has an end.
    """
    text = (query.reference or "").strip()
    return answer_ids(policy.tokenizer, query.messages, text) if text else ()


def answered(
    query: Query, texts: Sequence[str], policy: Policy
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The prompt as every method asks it, and each text as the assistant's answer to it."""
    prompt_ids = policy.prompt(query.messages)
    _refuse_rendered(query, prompt_ids, policy.tokenizer)
    return prompt_ids, [answer_ids(policy.tokenizer, query.messages, text.strip()) for text in texts]


def _refuse_rendered(query: Query, prompt_ids: Sequence[int], tokenizer: Any) -> None:
    """Raises `InputError` for a text that begins with the special token that the chat template begins with: it would be
    rendered twice. A template that begins with a word tells nothing."""
    beginning = tokenizer.decode(list(prompt_ids[:1]))
    if prompt_ids[0] in tokenizer.all_special_ids and query.messages[0]["content"].lstrip().startswith(
        beginning
    ):
        raise InputError(
            f"query '{query.id}' begins with '{beginning}', as the chat template does: its prompt is rendered already. "
            "Read it as it is: --set sampling.prompts=raw"
        )


def text_as_it_is(
    query: Query, texts: Sequence[str], policy: Policy
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Prompt and texts as plain text read in one piece, each with the end of sequence, under no template.

    The responses begin where the tokens of the prompt alone and of a whole text part, as in TRL. Raises `InputError`
    for a conversation and for a tokenizer without an end of sequence.
    """
    end = policy.tokenizer.eos_token
    if len(query.messages) > 1 or end is None:
        reason = "it is a conversation" if end else "the tokenizer has no end of sequence"
        raise InputError(f"query '{query.id}' cannot be read raw: {reason}; leave sampling.prompts out")
    prompt = query.messages[0]["content"]
    asked, *whole = (
        tuple(policy.tokenizer(text)["input_ids"])  # with what a tokenizer puts around a text by itself
        for text in (prompt, *(prompt + text.removesuffix(end) + end for text in texts))
    )
    common = min(_alike(asked, ids) for ids in whole)
    return asked[:common], [ids[common:] for ids in whole]


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    parted = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(parted, min(len(one), len(other)))


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
