"""Pairs: rows that were made elsewhere, trained and scored as those that are made here."""

from dataclasses import replace
from typing import Literal

from genius_bench.method import Collected, Method, Work
from genius_bench.recipe import Section
from genius_bench.rows import Preference, Query
from genius_bench.sampling.demonstrations import (
    answered,
    demonstration,
    text_as_it_is,
    unreferenced_pair,
)
from genius_bench.sampling.policy import Policy


class PairsOptions(Section):
    prompts: Literal["asked", "raw"] = "asked"
    """`asked`: through the model's chat template, as every other method asks; `raw`: texts as they are, joined, as TRL
    reads columns of plain text."""


class Pairs(Method):
    """Preference pairs (columns prompt, chosen, rejected) or demonstrations from a data set: nothing is sampled.

    What they prefer is a signal from outside, with whatever labels and models it was made of.
    """

    name = "pairs"
    title = "Pairs from outside"
    source = "the columns of TRL's preference and prompt-completion data sets"
    needs = frozenset({"references", "pairs"})
    makes = frozenset({"pairs", "advantages"})
    Options = PairsOptions
    training = {"reference": "recompute"}  # nobody has sampled them here

    @property
    def work(self) -> Work:
        return Work(trained=2)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        known = query.preference or Preference()
        read = answered if self.options.prompts == "asked" else text_as_it_is
        texts = [text for text in (query.reference, known.get("rejected")) if text is not None]
        prompt_ids, responses = read(query, texts, policy)
        weight = known.get("weight", 1.0)
        if len(responses) == 1:
            return Collected(rows=[demonstration(query, "given", prompt_ids, responses[0], weight)])
        pair = replace(
            unreferenced_pair(query, "given", prompt_ids, *responses),
            weight=weight,
            chosen_advantage=known.get("chosen_advantage", 0.0),
            rejected_advantage=known.get("rejected_advantage", 0.0),
        )
        return Collected(rows=[pair])
