"""What an evaluation would ask, and which of its answers and scores are there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.artifacts import Artifact
from genius_bench.engines.endpoint import Endpoint, served_fingerprint
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.controls import controls_of
from genius_bench.evaluation.data import Items, load_baseline, load_items, question_of
from genius_bench.evaluation.generations import answers_identity
from genius_bench.evaluation.protocols import answers_wanted, by_opencompass, is_judged
from genius_bench.evaluation.stage import task_card
from genius_bench.judging.cost import BYTES_PER_TOKEN
from genius_bench.offline import go_offline
from genius_bench.planning.amounts import Amount, assumed, counted
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
    model: str
    board: list[TaskSeen]
    controls: list[TaskSeen]
    """The same tasks once more for each of its controls."""

    @property
    def tasks(self) -> list[TaskSeen]:
        return [*self.board, *self.controls]


def at_step(last: ModelSeen, step: int) -> ModelSeen:
    """A checkpoint that will be kept within a training, from the one that will come of its end; it has no controls."""
    name = f" step {step}"
    tasks = [
        replace(
            task,
            generations=replace(task.generations, key=task.generations.key + name),
            scores=replace(task.scores, key=task.scores.key + name),
        )
        for task in last.board
    ]
    return ModelSeen(model=last.model + name, board=tasks, controls=[])


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
    ledger = Ledger(home)
    looked: dict[int, list[TaskSeen]] = {number: [] for number in range(len(models))}
    for asked, names in [(settings, tasks), *controls_of(settings, list(tasks))]:
        cards = [task_card(name).under(asked.protocol) for name in names]
        items = {card.name: _items(card, asked, offline) for card in cards}
        judge = _judge(home, cards, asked, engine, offline)
        surveyor = _Surveyor(ledger, asked, engine, judge, items)
        for number, model in enumerate(models):
            looked[number] += [surveyor.look(card, model) for card in cards]
    return [
        ModelSeen(model=model.name, board=looked[number][: len(tasks)], controls=looked[number][len(tasks) :])
        for number, model in enumerate(models)
    ]


@dataclass(frozen=True)
class _Surveyor:
    ledger: Ledger
    settings: EvaluationSection
    engine: EngineSection
    judge: "Judge | None"
    items: dict[str, Items | None]

    def look(self, card: TaskCard, model: ModelFiles | Endpoint) -> TaskSeen:
        items, settings = self.items[card.name], self.settings
        greedy, samples = answers_wanted(card, settings)
        opencompass = by_opencompass(card, settings)
        find = self._by_opencompass if opencompass else self._by_us
        generations, scores = (
            find(card, model, items) if items else (self._unknown(card, model), self._unknown(card, model))
        )
        expected = counted(len(items.rows)) if items else assumed(card.facts.expected_items or ASSUMED_ITEMS)
        limited = Amount(min(expected.value, settings.limit or expected.value), expected.source)
        orders = 2 if settings.judge.both_orders and card.facts.grader == "comparison" else 1
        return TaskSeen(
            task=card.name,
            items=limited,
            answers=greedy + samples,
            greedy=greedy,
            max_tokens=settings.max_tokens or card.max_tokens,
            question_tokens=_question_tokens(card, items),
            judged=orders if is_judged(card) and settings.judge.model else 0,
            shown_to_judge=2 if card.facts.grader == "comparison" else 1,
            opencompass=opencompass,
            generations=seen(generations),
            scores=seen(scores),
        )

    def _by_us(self, card: TaskCard, model: ModelFiles | Endpoint, items: Items) -> tuple[Artifact, Artifact]:
        fingerprint = served_fingerprint(model, self.engine)
        identity = answers_identity(card, self.settings, items, fingerprint)
        generations = self.ledger.make(identity, _make_nothing)
        return generations, self._scores(card, generations)

    def _scores(self, card: TaskCard, generations: Artifact) -> Artifact:
        from genius_bench.evaluation.judged import score_by_judge
        from genius_bench.evaluation.scoring import score

        if not is_judged(card):
            return score(self.ledger, generations, card, unsafe_code=self.settings.unsafe_code)
        baseline = load_baseline(card, self.settings.data) if self.judge else {}
        return score_by_judge(
            self.ledger, generations, card, judge=self.judge, baseline=baseline, announce=_hear_nothing
        )

    def _by_opencompass(
        self, card: TaskCard, model: ModelFiles | Endpoint, items: Items
    ) -> tuple[Artifact, Artifact]:
        """Its answers have no artifact of their own: they go with the scores."""
        from genius_bench.opencompass.task import identity_of, task_for

        task = task_for(card.name, self.settings, self.judge)
        scores = self.ledger.make(identity_of(task, model, self.engine), _make_nothing)
        return scores, scores

    def _unknown(self, card: TaskCard, model: ModelFiles | Endpoint) -> Artifact:
        """A stand-in where the items are not at hand: its key is good for telling equal work, not for finding any."""
        key = f"{card.name} {served_fingerprint(model, self.engine)} {self.settings.model_dump_json()}"
        return Artifact("scores", key, self.ledger.home / "nowhere", reused=False)


def _items(card: TaskCard, settings: EvaluationSection, offline: bool) -> Items | None:
    try:
        items = load_items(card, settings.data, settings.split)
        if is_judged(card) and settings.judge.model:
            load_baseline(card, settings.data)
        return items
    except InputError:
        if not offline:
            raise
        return None


def _judge(
    home: Path, cards: list[TaskCard], settings: EvaluationSection, engine: EngineSection, offline: bool
) -> "Judge | None":
    if settings.judge.model is None or not any(is_judged(card) for card in cards):
        return None
    from genius_bench.judging.judge import open_judge

    try:
        return open_judge(settings.judge, home, engine)
    except GeniusBenchError:
        if not offline:
            raise
        return None


def _question_tokens(card: TaskCard, items: Items | None) -> Amount:
    """A rule of thumb: bytes / 4 of the questions' columns, once more for every solved example."""
    if items is None:
        return assumed(ASSUMED_QUESTION_TOKENS * (1 + card.shots))
    lengths = [len(question_of(card, row).encode()) for row in items.rows]
    return assumed((1 + len(items.examples)) * sum(lengths) / len(lengths) / BYTES_PER_TOKEN)


def _make_nothing(build: Any) -> None:
    raise AssertionError("a plan makes no artifact")


def _hear_nothing(text: str) -> None:
    """Judges announce their costs only when they are asked something."""
