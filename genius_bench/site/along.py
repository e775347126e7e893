"""Scores along a training: the averages of a run's base, of the checkpoints on its way, and of its last ones."""

from typing import Any

from genius_bench.artifacts import Store
from genius_bench.reporting.averages import average_of, comparable
from genius_bench.reporting.scored import scored_models
from genius_bench.runs import Run, steps_of
from genius_bench.site.problems import Problems

Json = dict[str, Any]


def scores_along(
    store: Store, runs: list[Run], settings: dict[str, Any], metrics: dict[str, str], problems: Problems
) -> list[Json]:
    """One entry a run with checkpoints on the way: its label, and [step, average, low, high] in percent; the base at 0.

    Only checkpoints that were scored on all tasks of the board are there.
    """
    followed = [run for run in runs if run.on_the_way and run.checkpoints]
    if not followed:
        return []
    scored = {
        one.fingerprint: one for one in scored_models(store, runs, settings, list(metrics), whole=False)
    }
    found = []
    for run in followed:
        with problems.skipping(f"scores along {run.id}"):
            points = []
            for step, fingerprint in {0: run.base_fingerprint, **steps_of(store, run)}.items():
                one = scored.get(fingerprint)
                if one is not None and metrics.keys() <= one.artifacts.keys():
                    average = average_of([one], comparable(metrics))
                    points += [[step, *(100 * part for part in average)]] if average else []
            last = scored.get(run.checkpoints[-1]["fingerprint"])
            if last is not None and len(points) > 1:
                found.append({"label": last.label, "points": points})
    return found
