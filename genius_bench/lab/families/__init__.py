"""The seven task families: each module holds one, as a function that draws a problem."""

from collections.abc import Callable
from random import Random

from genius_bench.lab.families import comparison, deduction, equations, facts, functions, olympiad, words
from genius_bench.lab.problem import Problem

SAMPLERS: dict[str, Callable[[Random], Problem]] = {
    module.FAMILY: module.sample
    for module in (words, equations, deduction, comparison, facts, olympiad, functions)
}
"""Family name to the function that draws one of its problems."""
