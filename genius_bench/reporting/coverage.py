"""How many questions a model can solve at all: pass@k for large k, and which questions it has gained and lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from genius_bench.evaluation.metrics import SEVERAL
from genius_bench.reporting.curves import GREEDY, Curve
from genius_bench.reporting.scored import Scored
from genius_bench.statistics import Estimate, Suite, suite_average


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
    """From the most samples that all models (and the base) have of all these tasks; None where they have none.

    A base that was never sampled as often leaves a model's own numbers, without a comparison.
    """
    mine = _sampled_alike([*group, base] if base else group, tasks)
    if not mine:
        return coverage_of(group, None, tasks) if base else None
    before = mine.pop() if base else None
    matches = [SEVERAL.fullmatch(name) for one in mine for _, name in one.scores]
    sizes = [1, *sorted({int(match["k"]) for match in matches if match and match["name"] == "pass"})]
    try:
        curve = {k: suite_average([_pass_at(k, one, tasks) for one in mine]) for k in sizes}
    except ValueError:  # seeds that were not asked the same questions
        return None
    questions = sum(map(len, _pass_at(1, mine[0], tasks)))
    if before is None:
        return Coverage(questions, sizes[-1], curve)
    theirs = {k: suite_average([_pass_at(k, before, tasks)]).value for k in sizes}
    crossing = next((k for k in sizes if theirs[k] >= curve[k].value), None)
    were, are = _solved(before, tasks), [_solved(one, tasks) for one in mine]
    gained = sum(len(one - were) for one in are) / len(are)
    lost = sum(len(were - one) for one in are) / len(are)
    return Coverage(questions, sizes[-1], curve, crossing, gained, lost)


def _sampled_alike(models: Sequence[Curve], tasks: Sequence[str]) -> list[Scored]:
    """Of every model the evaluation of the most samples (then of the most items) that all of them have."""
    wanted = [
        {key for key, scored in one.many.items() if all(task in scored.artifacts for task in tasks)}
        for one in models
    ]
    shared = set.intersection(*wanted) if tasks else set()
    if not shared:
        return []
    key = max(shared, key=lambda key: (key[0], key[1] or inf))
    found = [one.many[key] for one in models]
    asked = [{task: one.items(task, "sampled").keys() for task in tasks} for one in found]
    return found if all(one == asked[0] for one in asked) else []


def changes_of(model: Curve, base: Curve, tasks: Sequence[str]) -> Changes | None:
    """None where one has no greedy answers, or they were asked other questions."""
    from scipy.special import bdtr

    better = worse = 0
    for task in tasks:
        before, after = base.values(task, GREEDY), model.values(task, GREEDY)
        if not before or before.keys() != after.keys():
            return None
        better += sum(after[name] > before[name] for name in before)
        worse += sum(after[name] < before[name] for name in before)
    changed = better + worse
    p_value = (
        min(1.0, 2 * float(bdtr(min(better, worse), changed, 0.5))) if changed else 1.0
    )  # McNemar's, exact
    return Changes(better, worse, p_value)


def _pass_at(k: int, model: Scored, tasks: Sequence[str]) -> Suite:
    return [model.items(task, "sampled" if k == 1 else f"pass@{k}") for task in tasks]


def _solved(model: Scored, tasks: Sequence[str]) -> set[tuple[str, str]]:
    """The questions of which at least one sample is right."""
    return {
        (task, row["item_id"])
        for task in tasks
        for row in model.verdicts(task).select(["item_id", "repeat", "correct"]).to_pylist()
        if row["repeat"] > 0 and row["correct"]
    }
