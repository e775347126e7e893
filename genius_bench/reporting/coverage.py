"""How many questions a model can solve at all: pass@k for large k, and which questions it has gained and lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from genius_bench.evaluation.metrics import SEVERAL
from genius_bench.reporting.curves import GREEDY, Curve
from genius_bench.reporting.scored import Scored
from genius_bench.statistics import Estimate, seeds_average, suite_average


@dataclass(frozen=True)
class Coverage:
    """Of a model, or the mean of one recipe's seeds. Shares between 0 and 1; counts are of questions, a seed's mean."""

    questions: int
    samples: int
    """Of every question."""
    pass_at: dict[int, Estimate] = field(default_factory=dict)
    crossing: int | None = None
    """The smallest k at which the base solves at least as many; None where it never does, and of a base."""
    gained: float | None = None
    """Never solved in the base's samples, solved now."""
    lost: float | None = None


@dataclass(frozen=True)
class Changes:
    """Greedy answers that came right and went wrong, and McNemar's exact test of whether as many did."""

    wrong_to_right: int
    right_to_wrong: int
    p_value: float


def coverage_of(group: Sequence[Curve], base: Curve | None, tasks: Sequence[str]) -> Coverage | None:
    """None where a model has no evaluation of many samples of all these tasks."""
    models = [one.many for one in group]
    if not tasks or any(one is None or any(task not in one.artifacts for task in tasks) for one in models):
        return None
    mine = [one for one in models if one]
    matches = [SEVERAL.fullmatch(name) for one in mine for _, name in one.scores]
    sizes = [1, *sorted({int(match["k"]) for match in matches if match and match["name"] == "pass"})]
    values = {k: [[one.items(task, _metric(k)) for task in tasks] for one in mine] for k in sizes}
    curve = {
        k: seeds_average(seeds)
        if len(seeds) > 1
        else suite_average([list(task.values()) for task in seeds[0]])
        for k, seeds in values.items()
    }
    first = values[sizes[0]][0]
    found = Coverage(sum(map(len, first)), sizes[-1], curve)
    theirs = coverage_of([base], None, tasks) if base else None
    if base is None or theirs is None or base.many is None or theirs.questions != found.questions:
        return found
    crossing = next(
        (k for k in sizes if k in theirs.pass_at and theirs.pass_at[k].value >= curve[k].value), None
    )
    before = _solved(base.many, tasks)
    after = [_solved(one, tasks) for one in mine]
    gained = sum(len(one - before) for one in after) / len(after)
    lost = sum(len(before - one) for one in after) / len(after)
    return Coverage(found.questions, found.samples, curve, crossing, gained, lost)


def changes_of(model: Curve, base: Curve, tasks: Sequence[str]) -> Changes | None:
    """None where one has no greedy answers, or they were asked other questions."""
    from scipy import stats

    better = worse = 0
    for task in tasks:
        before, after = base.values(task, GREEDY), model.values(task, GREEDY)
        if not before or before.keys() != after.keys():
            return None
        better += sum(after[name] > before[name] for name in before)
        worse += sum(after[name] < before[name] for name in before)
    changed = better + worse
    p_value = float(stats.binomtest(better, changed, 0.5).pvalue) if changed else 1.0
    return Changes(better, worse, p_value)


def _metric(k: int) -> str:
    return "sampled" if k == 1 else f"pass@{k}"


def _solved(model: Scored, tasks: Sequence[str]) -> set[tuple[str, str]]:
    """The questions of which at least one sample is right."""
    return {
        (task, row["item_id"])
        for task in tasks
        for row in model.verdicts(task).select(["item_id", "repeat", "correct"]).to_pylist()
        if row["repeat"] > 0 and row["correct"]
    }
