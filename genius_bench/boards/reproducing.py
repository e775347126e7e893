"""Runs what a board's tables lack, one after another; killed at any moment, the next call goes on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genius_bench import pipeline, stages
from genius_bench.artifacts import Store
from genius_bench.boards.grid import Wanted, grid_of
from genius_bench.boards.specification import Leaderboard
from genius_bench.engines.loading import resolve_model
from genius_bench.errors import GeniusBenchError
from genius_bench.integrity import digest_of
from genius_bench.layers import Layer, merge, validate
from genius_bench.planning.fitting import refuse_sampling, refuse_training
from genius_bench.printing import note
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.runs import Run, write_run


@dataclass
class Outcome:
    """What came of it: runs made now, and of those that failed the reason."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def reproduce(
    leaderboard: Leaderboard,
    tables: Sequence[str],
    home: Path,
    *,
    seeds: Sequence[int] = (),
    overrides: Layer | None = None,
) -> Outcome:
    """Scores the bases, then trains and scores every missing run of `tables`.

    What cannot fit or be followed on this machine is refused before the first run. A base that cannot be scored ends it
    at once (what stops it would stop every run); a run that fails is told at the end, and the others go on. Raises
    `InputError` for the former and `GeniusBenchError` for a base.
    """
    grid = grid_of(leaderboard, tables, home, seeds)
    outcome, started, missing = Outcome(), time.monotonic(), grid.missing
    note(f"{leaderboard.spec.name}: {len(missing)} of {len(grid.wanted)} runs are missing")
    _refuse(missing, home, overrides or {})
    for number, one in enumerate(missing):
        note(f"── {number + 1} of {len(missing)}: {one.title}{_time_left(started, number, len(missing))}")
        try:
            _make(leaderboard, one, home, overrides or {})
        except GeniusBenchError as error:
            if one.layer is None:
                raise
            outcome.failed[one.title] = " ".join(str(error).split())
            note(f"failed: {one.title}: {outcome.failed[one.title]}")
        else:
            outcome.done.append(one.title)
    for table in grid.similarities:
        _compare(leaderboard, table, home, overrides or {})
    return outcome


def _refuse(missing: Sequence[Wanted], home: Path, overrides: Layer) -> None:
    """Raises `InputError` for the first run that cannot fit or be followed here, before any of them starts."""
    for one in missing:
        if one.layer is not None:
            resolved = one.resolved(overrides)
            refuse_training(home, resolved.recipe)
            stages.check_recipe(home, resolved)
        else:
            refuse_sampling(one.model, _engine_for_files(overrides))


def _engine_for_files(overrides: Layer) -> EngineSection:
    return validate(EngineSection, overrides.get("engine", {}), "engine").for_files


def _make(leaderboard: Leaderboard, one: Wanted, home: Path, overrides: Layer) -> None:
    if one.layer is not None:
        pipeline.train(home, one.resolved(overrides))
        return
    settings = merge(
        leaderboard.spec.common.get("evaluation", {}),
        {"suite": ",".join(one.tasks)},
        overrides.get("evaluation", {}),
    )
    evaluation, *controls = pipeline.evaluate_models(
        home,
        [resolve_model(one.model)],
        one.tasks,
        validate(EvaluationSection, settings, "evaluation"),
        _engine_for_files(overrides),
    )
    name = f"eval-{digest_of([evaluation.fingerprint, evaluation.settings, sorted(evaluation.scores)])[:10]}"
    write_run(home, Run(id=name, evaluations=[evaluation, *controls]))


def _compare(leaderboard: Leaderboard, number: str, home: Path, overrides: Layer) -> None:
    """A table of similarities: the board's corpora against the tasks of its rows."""
    from genius_bench.contamination.comparing import SELF, compare_sets
    from genius_bench.contamination.sources import benchmark_items, query_texts
    from genius_bench.corpora import load_corpus
    from genius_bench.recipe import CorpusSection

    spec = leaderboard.table(number)
    data = overrides.get("evaluation", {}).get("data")
    tasks = [row.task for group in spec.groups for row in group.rows if row.task]
    items = benchmark_items(tasks, data)
    for task, reason in items.missing.items():
        note(f"left out: {task} ({reason})")
    corpora = {}
    for name in dict.fromkeys(column.similarity for column in spec.columns):
        if name and name != SELF:
            layer = leaderboard.spec.axes["corpus"][name].get("corpus", {})
            section = validate(CorpusSection, merge(layer, {"data": data} if data else {}), "corpus")
            corpora[name] = list(query_texts(load_corpus(section)))
    compare_sets(Store(home), corpora, items.items, count=500)


def _time_left(started: float, done: int, of: int) -> str:
    if not done:
        return ""
    minutes = (time.monotonic() - started) / done * (of - done) / 60
    return f" (about {minutes:.0f} min left)" if minutes < 120 else f" (about {minutes / 60:.0f} h left)"
