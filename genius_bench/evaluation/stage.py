"""Evaluating a checkpoint: the door through which the command line and other rooms come in."""

from typing import TYPE_CHECKING

from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard, available_tasks, resolve_suite, task_card
from genius_bench.evaluation.data import Items, load_baseline, load_items
from genius_bench.evaluation.protocols import is_judged
from genius_bench.evaluation.scores import read_scores
from genius_bench.printing import note
from genius_bench.recipe import EngineSection, EvaluationSection

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint
    from genius_bench.engines.loading import ModelFiles
    from genius_bench.evaluation.asking import LazyEngine
    from genius_bench.judging.judge import Judge

__all__ = ["TaskCard", "available_tasks", "evaluate", "regrade", "resolve_suite", "task_card"]

Known = dict[tuple[str, str, str | None, str | None], Items]
"""By task, protocol, folder of the data and split."""


def evaluate(
    store: Store,
    *,
    model: "ModelFiles | Endpoint",
    engine: "LazyEngine",
    checkpoint_fingerprint: str,
    tasks: list[str],
    settings: EvaluationSection,
    engine_settings: EngineSection,
    known: Known | None = None,
) -> list[Artifact]:
    """Scores a checkpoint on `tasks`: one scores artifact a task, in their order.

    Answers and scores that exist are not made again; the engine starts only when an answer is missing. Each task is
    stored when it ends, so an interrupted evaluation continues where it was. Judges start when the engine has given its
    memory back; otherwise whoever handed it over closes it.
    """
    from genius_bench.evaluation.generations import generate
    from genius_bench.evaluation.judged import score_by_judge
    from genius_bench.evaluation.scoring import score

    cards = [task_card(name).under(settings.protocol) for name in tasks]
    items = load_all(cards, settings, {} if known is None else known)
    judge = judge_of(cards, store, settings, engine_settings)
    found: dict[str, Artifact] = {}
    to_judge: list[tuple[TaskCard, Artifact]] = []
    try:
        answers = generate(
            store,
            cards,
            settings,
            items=items,
            engine=engine,
            checkpoint_fingerprint=checkpoint_fingerprint,
            checkpoint_name=model.name,
        )
        for card, generations in zip(cards, answers, strict=True):
            if is_judged(card):
                to_judge.append((card, generations))
            else:
                found[card.name] = score(store, generations, card, unsafe_code=settings.unsafe_code)
                warn(card, found[card.name])
        if to_judge:
            engine.close()
        for card, generations in to_judge:
            baseline = load_baseline(card, settings.data) if judge else {}
            found[card.name] = score_by_judge(
                store, generations, card, judge=judge, baseline=baseline, announce=note
            )
            warn(card, found[card.name])
    finally:
        if judge:
            judge.close()
    return [found[card.name] for card in cards]


def load_all(cards: list[TaskCard], settings: EvaluationSection, known: Known) -> dict[str, Items]:
    """The items of every task, before any answer is generated. Raises `InputError` that names all that is missing."""
    items: dict[str, Items] = {}
    problems: dict[str, InputError] = {}
    for card in cards:
        try:
            place = (card.name, settings.protocol, settings.data, settings.split)
            if place not in known:
                known[place] = load_items(card, settings.data, settings.split)
            items[card.name] = known[place]
            if is_judged(card) and settings.judge.model:
                load_baseline(card, settings.data)
        except InputError as error:
            problems[card.name] = error
    if not problems:
        return items
    if len(cards) == 1:
        raise next(iter(problems.values()))
    there = ",".join(card.name for card in cards if card.name not in problems)
    hint = f"; without them: --suite {there}" if there else ""
    reasons = "; ".join(str(error) for error in problems.values())
    raise InputError(f"{len(problems)} of {len(cards)} tasks cannot be had: {reasons}{hint}")


def judge_of(
    cards: list[TaskCard], store: Store, settings: EvaluationSection, engine_settings: EngineSection
) -> "Judge | None":
    """Opened before any answer is generated: a mistaken name or URL should be told at once."""
    if settings.judge.model is None or not any(is_judged(card) for card in cards):
        return None
    from genius_bench.judging.judge import open_judge

    return open_judge(settings.judge, store.home, engine_settings)


def regrade(store: Store, *, unsafe_code: bool = False) -> list[Artifact]:
    """Grades all stored answers of installed tasks with the graders of this version; generates nothing."""
    from genius_bench.evaluation.scoring import score

    cards = {card.name: card for card in available_tasks() if not is_judged(card)}
    return [
        score(store, generations, cards[task], unsafe_code=unsafe_code)
        for generations in store.all("generations")
        if (task := generations.manifest["parameters"]["task"]) in cards
    ]


def warn(card: TaskCard, scores: Artifact) -> None:
    """Says what a reader of the numbers must know, one line each."""
    details = read_scores(scores)[0].details
    notes = []
    if obstacle := details.get("not_scored"):
        notes.append(f"not scored: {obstacle}")
    if failures := details.get("judge_failures"):
        notes.append(f"{failures} answers without a verdict of {details['judge']} (counted as undecided)")
    if details["dataset"] == "changed":
        notes.append("these are not the items the task expects (number or fingerprint differ)")
    elif card.facts.fingerprint is None and not card.facts.items:
        checked = (
            "only their number was checked" if card.facts.expected_items else "they were taken as they are"
        )
        notes.append(f"which items these should be is not known to the task: {checked}")
    if details["shots"] != card.shots:
        notes.append(
            f"no train split at hand: {details['shots']} solved examples shown instead of {card.shots}; "
            f"the numbers are marked '{details['protocol']}'"
        )
    for remark in notes:
        note(f"{card.name}: {remark}")
