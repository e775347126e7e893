"""The whole site: every page's data into one folder, what is there and unchanged left alone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.boards.specification import leaderboards, open_leaderboard
from genius_bench.environment import package_version
from genius_bench.errors import InputError
from genius_bench.printing import note
from genius_bench.progress import progress
from genius_bench.reporting.scored import Scored
from genius_bench.runs import Run
from genius_bench.site.answers import write_answers
from genius_bench.site.boards import group_of, leaderboard_of
from genius_bench.site.columns import row_count
from genius_bench.site.curves import Curves, training_curves
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT, Holdings, read_holdings
from genius_bench.site.problems import Problems
from genius_bench.site.queries import write_queries
from genius_bench.site.rollouts import write_rollouts
from genius_bench.site.run_pages import page_of, write_run

Json = dict[str, Any]


@dataclass(frozen=True)
class Site:
    page: Path
    runs: int
    models: int
    answers: int
    problems: list[str]


def build_site(home: Path, target: Path, boards: Sequence[str] | None = None) -> Site:
    """Writes the site of a home into `target`, a folder that is new, empty or a site already.

    `boards` names the leaderboards to show (installed ones, or folders); all installed ones by default. Raises
    `InputError` where the home holds no runs; what is damaged in it is left out with a line.
    """
    if not (home / "runs").is_dir():
        raise InputError(f"no runs in {home} yet: run 'genius-bench train' or 'genius-bench eval'")
    shown = [open_leaderboard(name) for name in boards or leaderboards()]
    folder, problems = Folder(target), Problems()
    note(f"reading the runs and scores of {home}")
    holdings = read_holdings(home, problems)
    directory = write_answers(folder, holdings.store, holdings.groups, problems)
    folder.write_data("answers", directory)
    curves: dict[str, Curves] = {}
    queries = 0
    with progress("building the site", len(holdings.runs), "runs") as advance:
        for run in holdings.runs:
            curves[run.id] = training_curves(holdings.store, run, problems)
            collected = write_queries(folder, holdings.store, run, problems)
            queries += sum(one.queries for one in collected.values())
            drawn = write_rollouts(folder, holdings.store, run, problems)
            write_run(folder, holdings.store, run, curves[run.id], collected, drawn, problems)
            advance(1)
    folder.write_data("curves", {page_of(run): curves[run.id] for run in holdings.runs if curves[run.id]})
    boards_of_all = []
    for board in shown:
        with problems.skipping(f"board {board.spec.name}"):
            boards_of_all.append(leaderboard_of(board, home, problems))
    answers = _answers(holdings)
    site = {
        "built_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "version": package_version("genius-bench"),
        "counts": {"answers": answers, "queries": queries},
        "groups": [group_of(group, holdings, problems) for group in holdings.groups],
        "models": _models(holdings),
        "runs": [_run(run) for run in holdings.runs],
        "leaderboards": boards_of_all,
        "problems": problems.lines,
    }
    folder.write_data("site", site)
    folder.write_pages()
    folder.remove_others()
    return Site(
        target / "index.html", len(holdings.runs), len(_scored(holdings)), answers, list(problems.lines)
    )


def _scored(holdings: Holdings) -> dict[str, Scored]:
    return {one.fingerprint: one for group in holdings.groups for one in group.models}


def _answers(holdings: Holdings) -> int:
    """Graded answers: each scores artifact once, however many runs name it."""
    artifacts = {
        scores.key: scores
        for group in holdings.groups
        for one in group.models
        for scores in one.artifacts.values()
    }
    return sum(row_count(one) for one in artifacts.values())


def _models(holdings: Holdings) -> list[Json]:
    """Every scored model: what it is called, which run made it, and how far along that run it stands."""
    made = {
        checkpoint["fingerprint"]: (run, place)
        for run in holdings.runs
        for place, checkpoint in enumerate(run.checkpoints)
    }
    models = []
    for one in _scored(holdings).values():
        run, place = made.get(one.fingerprint, (None, -1))
        recipe = one.recipe or {}
        models.append(
            {
                "id": one.fingerprint[:SHORT],
                "label": one.label,
                "base": one.base_fingerprint[:SHORT],
                "method": recipe.get("method", ""),
                "seed": recipe.get("seed"),
                "iteration": one.iteration,
                "run": run.id if run else "",
                "queries": run.corpus.get("queries") if run else None,
                "steps": _steps(holdings, run, place) if run else 0,
            }
        )
    return models


def _steps(holdings: Holdings, run: Run, place: int) -> int:
    """Optimiser steps from the base to a checkpoint."""
    found = [holdings.store.find("checkpoint", one["key"]) for one in run.checkpoints[: place + 1]]
    return sum(int(one.manifest["counters"].get("steps", 0)) for one in found if one)


def _run(run: Run) -> Json:
    recipe = run.recipe or {}
    return {
        "id": run.id,
        "file": page_of(run),
        "method": recipe.get("method", "evaluation"),
        "variant": recipe.get("variant", ""),
        "objective": (recipe.get("objective") or {}).get("name", ""),
        "base": run.base or next((one.model for one in run.evaluations), ""),
        "corpus": run.corpus.get("name", ""),
        "queries": run.corpus.get("queries"),
        "seed": recipe.get("seed"),
        "iterations": len(run.checkpoints),
        "models": [one["fingerprint"][:SHORT] for one in run.checkpoints]
        or [one.fingerprint[:SHORT] for one in run.on_boards],
        "finished_at": run.finished_at,
    }
