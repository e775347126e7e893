"""Whether a task can be trusted: are its items the expected ones, and does every gold answer score?"""

from dataclasses import dataclass, field, replace

from genius_bench.errors import InputError
from genius_bench.evaluation import graders
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Row, load_items
from genius_bench.evaluation.protocols import is_judged


@dataclass(frozen=True)
class Refused:
    """A gold answer that the grader does not accept."""

    item: str
    gold: str
    extracted: str | None


@dataclass(frozen=True)
class Verification:
    """What was found. `graded` is 0 where a task has no gold answers that could be graded; `note` says why."""

    task: str
    items: int
    expected: int | None
    changed: bool
    graded: int = 0
    refused: list[Refused] = field(default_factory=list)
    published: float | None = None
    """Share of the gold answers that the published extraction rule accepts."""
    note: str = ""

    @property
    def sound(self) -> bool:
        return not self.changed and not self.refused


def verify(card: TaskCard, folder: str | None, *, unsafe_code: bool = False) -> Verification:
    """Grades the gold answer of every item. Raises `InputError` when the items cannot be had."""
    items = load_items(card, folder)
    found = Verification(card.name, len(items.rows), card.facts.expected_items, items.changed)
    note = _not_gradable(card, unsafe_code)
    if note:
        return replace(found, note=note)
    rows = [(gold_response(card, row), _item(card, row)) for row in items.rows]
    verdicts = graders.grade(card.facts.grader, rows, unsafe_code=unsafe_code)
    refused = [
        Refused(name, item.gold, verdict.extracted)
        for name, (_, item), verdict in zip(items.ids, rows, verdicts, strict=True)
        if not verdict.correct
    ]
    return replace(found, graded=len(rows), refused=refused, published=_published(card, rows))


def gold_response(card: TaskCard, row: Row) -> str:
    """An answer that is right, as a model would write it."""
    from genius_bench.evaluation.bridge import gold_text, rendered

    if card.facts.solution:
        return rendered(card.facts.solution, row)
    gold = gold_text(card, row)
    if card.facts.grader in ("option", "yes_no", "named"):
        return f"The answer is {gold}."
    return gold if card.facts.grader in ("number", "format") or "\\boxed" in gold else f"\\boxed{{{gold}}}"


def _item(card: TaskCard, row: Row) -> graders.Item:
    from genius_bench.evaluation.generations import described_item
    from genius_bench.evaluation.scoring import graded_item

    return graded_item(described_item(card, "", row), None)


def _not_gradable(card: TaskCard, unsafe_code: bool) -> str:
    if is_judged(card):
        return "a judge decides: there are no gold answers"
    if card.facts.grader in graders.RUN and not card.facts.solution:
        return "the data holds tests but no reference programs"
    if card.facts.grader == "instructions":
        return "the data holds instructions but no answers that follow them"
    return graders.not_gradable(card.facts.grader, unsafe_code=unsafe_code) or ""


def _published(card: TaskCard, rows: list[tuple[str, graders.Item]]) -> float | None:
    rule = card.facts.released
    if rule == "none":
        return None
    accepted = [graders.grade_released(rule, card.facts.grader, text, item).correct for text, item in rows]
    return sum(accepted) / len(accepted)


def verify_all(cards: list[TaskCard], folder: str | None, *, unsafe_code: bool) -> list[Verification | str]:
    """One after the other; where a task's items cannot be had, the reason in its place."""
    found: list[Verification | str] = []
    for card in cards:
        try:
            found.append(verify(card, folder, unsafe_code=unsafe_code))
        except InputError as error:
            found.append(str(error))
    return found
