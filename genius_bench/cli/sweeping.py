"""Several runs of one command: every combination of the values that its keys are given."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TypeVar

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.layers import Layer, merge, parse_assignments
from genius_bench.printing import counted, note

One = TypeVar("One")
Made = TypeVar("Made")


def combinations(sweeps: Sequence[str]) -> list[Layer]:
    """A layer for each combination of `section.key=a,b,…`; one empty layer where nothing is swept."""
    axes = []
    for sweep in sweeps:
        key, equals, values = sweep.partition("=")
        if not equals or not all(values.split(",")):
            raise InputError(f"--sweep {sweep}: write it as section.key=value,value,…")
        axes.append([parse_assignments([f"{key}={value}"]) for value in values.split(",")])
    return [merge(*layers) for layers in product(*axes)]


def each(wanted: Sequence[One], make: Callable[[One], Made]) -> Iterator[Made]:
    """What comes of each. One that fails is told and does not keep the others; raises at the end where any did."""
    failed = []
    for number, one in enumerate(wanted, start=1):
        if len(wanted) > 1:
            note(f"run {number} of {len(wanted)}")
        try:
            yield make(one)
        except GeniusBenchError as error:
            if len(wanted) == 1:
                raise
            note(f"error: {error}")
            failed.append(number)
    if failed:
        raise GeniusBenchError(
            f"{counted(len(failed), 'run')} of {len(wanted)} failed (run {', '.join(map(str, failed))}): see above; "
            "run the same command again to continue"
        )
