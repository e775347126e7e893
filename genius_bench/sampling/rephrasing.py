"""Queries in other words, by the policy itself: what a method asks that wants two wordings of each."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from pydantic import PositiveInt, field_validator

from genius_bench.artifacts import Artifact
from genius_bench.method import Collected, Method
from genius_bench.recipe import Section
from genius_bench.rows import Message, Query
from genius_bench.sampling.policy import Policy

QUERY = "{query}"
REPHRASED = "/rephrased"
"""At the end of a query's id, where it is in other words."""


class RephrasingOptions(Section):
    instruction: str = (
        f"Say this in other words, and keep every fact and number. Write nothing else.\n\n{QUERY}"
    )
    """What the policy is told; the last message of the query stands for {query}."""
    rephrasing_tokens: PositiveInt = 512
    """A rephrasing that runs into this limit is not used."""

    @field_validator("instruction")
    @classmethod
    def _holds_the_query(cls, instruction: str) -> str:
        if QUERY not in instruction:
            raise ValueError(f"has no {QUERY}, where the query belongs")
        return instruction


class Rephrasing(Method):
    """Asks for one rephrasing of every query; nothing is trained on it."""

    name = "rephrasing"
    title = "Rephrasing"
    source = "Zhang et al., 'Co-rewarding', arXiv 2508.00410: two wordings of each question"
    Options: ClassVar[type[Section]] = RephrasingOptions

    async def collect(self, query: Query, policy: Policy) -> Collected:
        told = self.options.instruction.replace(QUERY, query.messages[-1]["content"])
        prompt_ids = policy.prompt([*query.messages[:-1], Message(role="user", content=told)])
        said = await policy.sample(
            prompt_ids,
            draw=("rephrasing", query.id),
            max_tokens=self.options.rephrasing_tokens,
            temperature=1.0,
        )
        text = said.text.strip() if said.finish_reason != "length" else ""
        return Collected(rows=[], trace={"text": text or None})


def rephrased(queries: Iterable[Query], collection: Artifact) -> dict[str, Query]:
    """Id → the query in other words; in its own where none came out whole."""
    texts = {row["id"]: json.loads(row["trace"])["text"] for row in collection.rows("id", "trace")}
    return {query.id: in_other_words(query, texts.get(query.id)) for query in queries}


def in_other_words(query: Query, text: str | None) -> Query:
    messages = query.messages
    if text is not None:
        messages = (*messages[:-1], Message(role="user", content=text))
    return replace(query, id=query.id + REPHRASED, messages=messages)
