"""Evaluating a checkpoint: the door through which the command line and other rooms come in."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from genius_bench.artifacts import Artifact, Store
from genius_bench.evaluation.cards import TaskCard, available_tasks, resolve_suite, task_card
from genius_bench.recipe import EvaluationSection
from genius_bench.rows import Score

if TYPE_CHECKING:
    from genius_bench.engines.interface import Engine

__all__ = ["TaskCard", "available_tasks", "evaluate", "read_scores", "regrade", "resolve_suite", "task_card"]


def evaluate(
    store: Store,
    *,
    engine_factory: "Callable[[], Engine]",
    checkpoint_fingerprint: str,
    checkpoint_name: str,
    tasks: list[str],
    settings: EvaluationSection,
) -> list[Artifact]:
    """Scores a checkpoint on `tasks`: one scores artifact a task, in their order.

    Answers and scores that exist are not made again; the engine is created once, and only when an answer is missing.
    Each task is stored when it ends, so an interrupted evaluation continues where it was.
    """
    from genius_bench.evaluation.asking import LazyEngine
    from genius_bench.evaluation.generations import generate
    from genius_bench.evaluation.scoring import not_scored, score

    cards = [task_card(name) for name in tasks]
    engine = LazyEngine(engine_factory)
    results = []
    try:
        for card in cards:
            generations = generate(
                store,
                card,
                settings,
                engine=engine,
                checkpoint_fingerprint=checkpoint_fingerprint,
                checkpoint_name=checkpoint_name,
            )
            scores = score(store, generations, card, unsafe_code=settings.unsafe_code)
            _warn(card, scores, not_scored(scores))
            results.append(scores)
    finally:
        engine.close()
    return results


def read_scores(artifact: Artifact) -> list[Score]:
    """The numbers in a scores artifact."""
    from genius_bench.evaluation import scoring

    return scoring.read_scores(artifact)


def regrade(store: Store, *, unsafe_code: bool = False) -> list[Artifact]:
    """Grades all stored answers of installed tasks with the graders of this version; generates nothing."""
    from genius_bench.evaluation.scoring import score

    cards = {card.name: card for card in available_tasks()}
    return [
        score(store, generations, cards[task], unsafe_code=unsafe_code)
        for generations in store.all("generations")
        if (task := generations.manifest["parameters"]["task"]) in cards
    ]


def _warn(card: TaskCard, scores: Artifact, obstacle: str | None) -> None:
    """What a reader of the numbers must know, one line each."""
    details = read_scores(scores)[0].details
    notes = []
    if obstacle:
        notes.append(f"not scored: {obstacle}")
    if details["dataset"] == "changed":
        notes.append("these are not the items the task expects (number or fingerprint differ)")
    if details["shots"] != card.shots:
        notes.append(
            f"no train split at hand: {details['shots']} solved examples shown instead of {card.shots}; "
            f"the numbers are marked '{details['protocol']}'"
        )
    for note in notes:
        print(f"{card.name}: {note}", file=sys.stderr)
