"""Whole responses to a query. Methods that ask for them at equal settings are given the very same ones."""

from asyncio import gather
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from genius_bench.engines.interface import Completion
from genius_bench.recipe import Section
from genius_bench.rows import Message, Query
from genius_bench.sampling.policy import Policy

Temperature = NonNegativeFloat
"""0 is greedy."""
TopP = Annotated[float, Field(gt=0, le=1)]


class ResponseOptions(Section):
    """How responses are drawn: the part of the `sampling` section that every method of whole responses has."""

    responses: PositiveInt = 1
    """k: how many are drawn per query."""
    temperature: Temperature = 1.0
    top_p: TopP = 1.0
    max_tokens: PositiveInt = 1024
    unfinished: Literal["drop", "keep"] = "drop"
    """Responses that ran into their limit of tokens: they would teach the policy not to end."""


async def draw_responses(
    query: Query,
    policy: Policy,
    options: ResponseOptions,
    *,
    prompt_ids: Sequence[int] | None = None,
    kind: str = "responses",
    certainties: bool = False,
) -> list[Completion]:
    """k responses to the plain query (or after `prompt_ids`, for which `kind` is a name); see `usable`.

    A draw is named by the query, the settings and its number, never by the method; so a larger k begins with the
    responses of a smaller one, and methods differ in what they make of them, not in their luck.
    """
    prompt_ids = policy.prompt(query.messages) if prompt_ids is None else prompt_ids
    return await gather(
        *(
            policy.sample(
                prompt_ids,
                draw=(kind, query.id, f"{options.temperature:g}", f"{options.top_p:g}", number),
                max_tokens=options.max_tokens,
                temperature=options.temperature,
                top_p=options.top_p,
                pooled=True,
                certainties=certainties,
            )
            for number in range(options.responses)
        )
    )


def with_addition(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """The conversation with a line added to what was asked last; as it is where there is nothing to add."""
    if not text:
        return tuple(messages)
    *before, last = messages
    return (*before, Message(role=last["role"], content=f"{last['content']}\n{text}"))


def is_usable(response: Completion, options: ResponseOptions) -> bool:
    """Whether a response says something and (unless told otherwise) came to an end by itself."""
    return bool(response.text.strip()) and (
        options.unfinished == "keep" or response.finish_reason != "length"
    )


def usable(responses: Iterable[Completion], options: ResponseOptions) -> list[Completion]:
    """Those that can be trained on."""
    return [response for response in responses if is_usable(response, options)]


def distinct(responses: Iterable[Completion]) -> list[Completion]:
    """One of each, in the order in which they came."""
    return list({response.token_ids: response for response in responses}.values())
