"""The seven task families: each module holds one, as a function that draws a problem of a level."""

from collections.abc import Callable
from random import Random

from genius_bench.lab.families import comparison, deduction, equations, facts, functions, olympiad, words
from genius_bench.lab.problem import Problem

SAMPLERS: dict[str, Callable[[Random, int, bool], Problem]] = {
    module.FAMILY: module.sample
    for module in (words, equations, deduction, comparison, facts, olympiad, functions)
}
"""Family → what draws one of its problems of a level; the flag keeps to the sizes that pre-training shows."""
