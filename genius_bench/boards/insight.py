"""Cells that look into an average: some of its items, the temperature that suits a model best, what its making cost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from genius_bench.boards.cells import Measured
from genius_bench.boards.specification import Column
from genius_bench.reporting.averages import comparable
from genius_bench.reporting.curves import Curve
from genius_bench.reporting.scored import Scored
from genius_bench.reporting.sharpening import sharpening_of
from genius_bench.reporting.slices import slices_of
from genius_bench.statistics import Difference, Estimate


def looked_into(
    whole: Measured, group: list[Scored], base: Scored | None, column: Column, curves: Mapping[str, Curve]
) -> Measured | str:
    """What such a column shows of a recipe's models (a seed each), beside their `whole` average; or what is missing."""
    if base is not None and group[0].fingerprint == base.fingerprint:
        base = None  # a base is held against nothing
    metrics = {task: metric for task in group[0].artifacts if (metric := group[0].headline(task))}
    metrics = comparable(metrics) if len(metrics) > 1 else metrics
    if column.slice:
        return _on_slice(whole, group, base, column.slice, metrics)
    if column.shows == "operations":
        return _operations(whole, group)
    return _at_best(whole, group, base, column, list(metrics), curves)


def _on_slice(
    whole: Measured, group: list[Scored], base: Scored | None, name: str, metrics: Mapping[str, str]
) -> Measured | str:
    answers = [{task: one.items(task, metric) for task, metric in metrics.items()} for one in group]
    theirs = {task: base.items(task, metric) for task, metric in metrics.items()} if base else None
    members = {task: {name: slices[name]} for task in metrics if name in (slices := group[0].slices(task))}
    found = slices_of(members, answers, theirs).get(name)
    if found is None:
        return f"no items of the kind '{name}'"
    return _measured(whole, found.value, found.gain)


def _operations(whole: Measured, group: Sequence[Scored]) -> Measured | str:
    costs = [one.cost for one in group]
    known = [cost.flops / 1e12 for cost in costs if cost is not None]
    if len(known) < len(group):
        return "" if group[0].trained_by is None else "what it was made from is gone"
    mean = sum(known) / len(known)
    return replace(whole, value=mean, low=mean, high=mean, gain=None, p_value=None)


def _at_best(
    whole: Measured,
    group: Sequence[Scored],
    base: Scored | None,
    column: Column,
    tasks: list[str],
    curves: Mapping[str, Curve],
) -> Measured | str:
    if column.shows == "beyond" and base is None:
        return ""
    found = sharpening_of(
        [curves[one.fingerprint] for one in group], curves[base.fingerprint] if base else None, tasks
    )
    if found is None:
        return "not asked at other temperatures"
    if column.shows == "at best":
        return _measured(whole, found.at_best, found.beyond)
    if found.beyond is None:
        return "not asked the questions of the base"
    beyond = Estimate(found.beyond.difference, found.beyond.low, found.beyond.high)
    return _measured(whole, beyond, found.beyond)


def _measured(whole: Measured, value: Estimate, gain: Difference | None) -> Measured:
    """In percent, with the gain over the base that its stars are of."""
    return replace(
        whole,
        value=100 * value.value,
        low=100 * value.low,
        high=100 * value.high,
        gain=100 * gain.difference if gain else None,
        gain_low=100 * gain.low if gain else None,
        gain_high=100 * gain.high if gain else None,
        p_value=gain.p_value if gain else None,
    )
