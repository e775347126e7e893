"""What an evaluation would ask, and which of its answers and scores are there."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.artifacts import Artifact
from genius_bench.engines.endpoint import Endpoint, served_fingerprint
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.controls import controls_of
from genius_bench.evaluation.data import Items, load_baseline, question_of
from genius_bench.evaluation.generations import answers_identity
from genius_bench.evaluation.protocols import answers_wanted, by_opencompass, is_judged
from genius_bench.evaluation.stage import Known, judge_of, load_all, task_card
from genius_bench.judging.cost import BYTES_PER_TOKEN
from genius_bench.offline import go_offline
from genius_bench.planning.amounts import Amount, assumed, at_most, counted
from genius_bench.planning.ledger import Ledger, Seen, seen
from genius_bench.recipe import EngineSection, EvaluationSection

if TYPE_CHECKING:
    from genius_bench.judging.judge import Judge

ASSUMED_ITEMS = 500.0
ASSUMED_QUESTION_TOKENS = 250.0


@dataclass(frozen=True, kw_only=True)
class TaskSeen:
    """One task of one model. `answers` are wanted per item, the greedy one first where there is one.

    `judged` is how often each answer goes to the judge (0 where there is none).
    """

    task: str
    items: Amount
    answers: int
    greedy: bool
    max_tokens: int
    question_tokens: Amount
    """Of a prompt, solved examples included."""
    judged: int
    shown_to_judge: int
    """Answers that one of its prompts holds: a comparison has two."""
    opencompass: bool
    generations: Seen
    scores: Seen


@dataclass(frozen=True, kw_only=True)
class ModelSeen:
    """`controls` are the same tasks once more for each of its controls."""

    model: str
    board: list[TaskSeen]
    controls: list[TaskSeen]

    @property
    def tasks(self) -> list[TaskSeen]:
        return [*self.board, *self.controls]

    def at_step(self, step: int) -> "ModelSeen":
        """A checkpoint that will be kept within the training whose end this one comes of; it has no controls."""
        name = f" step {step}"
        tasks = [
            replace(
                task,
                generations=replace(task.generations, key=task.generations.key + name),
                scores=replace(task.scores, key=task.scores.key + name),
            )
            for task in self.board
        ]
        return ModelSeen(model=self.model + name, board=tasks, controls=[])


def survey_scores(
    home: Path,
    models: Sequence[ModelFiles | Endpoint],
    tasks: Sequence[str],
    settings: EvaluationSection,
    engine: EngineSection,
    *,
    offline: bool,
) -> list[ModelSeen]:
    """With `offline`, items that are not on this machine are no error: as many are assumed as the task expects."""
    if offline:
        go_offline()
    ledger, known = Ledger(home), Known()
    seen_of: list[list[TaskSeen]] = [[] for _ in models]
    for asked, names in [(settings, tasks), *controls_of(settings, list(tasks))]:
        cards = [task_card(name).under(asked.protocol) for name in names]
        surveyor = _Surveyor(
            ledger,
            asked,
            engine,
            judge=_judge(ledger, cards, asked, engine, offline),
            items=_items(cards, asked, known, offline),
        )
        for found, model in zip(seen_of, models, strict=True):
            found += [surveyor.look(card, model) for card in cards]
    return [
        ModelSeen(model=model.name, board=found[: len(tasks)], controls=found[len(tasks) :])
        for found, model in zip(seen_of, models, strict=True)
    ]


@dataclass(frozen=True)
class _Surveyor:
    ledger: Ledger
    settings: EvaluationSection
    engine: EngineSection
    judge: "Judge | None"
    items: dict[str, Items]
    """Of the tasks whose data is at hand."""

    def look(self, card: TaskCard, model: ModelFiles | Endpoint) -> TaskSeen:
        items, settings = self.items.get(card.name), self.settings
        greedy, samples = answers_wanted(card, settings)
        compares = card.facts.grader == "comparison"
        orders = 2 if compares and settings.judge.both_orders else 1
        generations, scores = self._promised(card, model, items)
        expected = counted(len(items.rows)) if items else assumed(card.facts.expected_items or ASSUMED_ITEMS)
        return TaskSeen(
            task=card.name,
            items=at_most(expected, settings.limit),
            answers=greedy + samples,
            greedy=greedy,
            max_tokens=settings.max_tokens or card.max_tokens,
            question_tokens=_question_tokens(card, items),
            judged=orders if is_judged(card) and settings.judge.model else 0,
            shown_to_judge=2 if compares else 1,
            opencompass=by_opencompass(card, settings),
            generations=seen(generations),
            scores=seen(scores),
        )

    def _promised(
        self, card: TaskCard, model: ModelFiles | Endpoint, items: Items | None
    ) -> tuple[Artifact, Artifact]:
        """Answers and scores; OpenCompass's answers have no artifact of their own: they go with the scores."""
        fingerprint = served_fingerprint(model, self.engine)
        if items is None:  # stand-ins: their key is good for telling equal work, not for finding any
            key = f"{card.name} {fingerprint} {self.settings.model_dump_json()}"
            unknown = Artifact("scores", key, self.ledger.home / "nowhere", reused=False)
            return unknown, unknown
        if by_opencompass(card, self.settings):
            from genius_bench.opencompass.task import identity_of, task_for

            task = task_for(card.name, self.settings, self.judge)
            scores = self.ledger.promise(identity_of(task, model, self.engine))
            return scores, scores
        generations = self.ledger.promise(answers_identity(card, self.settings, items, fingerprint))
        return generations, self._scores(card, generations)

    def _scores(self, card: TaskCard, generations: Artifact) -> Artifact:
        from genius_bench.evaluation.judged import score_by_judge
        from genius_bench.evaluation.scoring import score

        if not is_judged(card):
            return score(self.ledger, generations, card, unsafe_code=self.settings.unsafe_code)
        baseline = load_baseline(card, self.settings.data) if self.judge else {}
        return score_by_judge(
            self.ledger, generations, card, judge=self.judge, baseline=baseline, announce=lambda text: None
        )


def _items(
    cards: list[TaskCard], settings: EvaluationSection, known: Known, offline: bool
) -> dict[str, Items]:
    """By task; with `offline`, of those whose data is at hand."""
    if not offline:
        return load_all(cards, settings, known)
    items: dict[str, Items] = {}
    for card in cards:
        with suppress(InputError):
            items |= load_all([card], settings, known)
    return items


def _judge(
    ledger: Ledger, cards: list[TaskCard], settings: EvaluationSection, engine: EngineSection, offline: bool
) -> "Judge | None":
    with suppress(GeniusBenchError) if offline else nullcontext():
        return judge_of(cards, ledger, settings, engine)
    return None


def _question_tokens(card: TaskCard, items: Items | None) -> Amount:
    """A rule of thumb: bytes / 4 of the questions' columns, once more for every solved example."""
    if items is None:
        return assumed(ASSUMED_QUESTION_TOKENS * (1 + card.shots))
    lengths = [len(question_of(card, row).encode()) for row in items.rows]
    return assumed((1 + len(items.examples)) * sum(lengths) / len(lengths) / BYTES_PER_TOKEN)
