"""The five families: each module holds one, as a function that draws a problem of a level from 1 to 5."""

from collections.abc import Callable
from random import Random

from genius_bench.plain.families import comparison, facts, formats, sums, units
from genius_bench.plain.problem import Problem

SAMPLERS: dict[str, Callable[[Random, int], Problem]] = {
    "plain_sums": sums.sample,
    "plain_comparison": comparison.sample,
    "plain_units": units.sample,
    "plain_facts": facts.sample,
    "plain_formats": formats.sample,
}
