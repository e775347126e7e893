"""A few items of every task through the real engine, all tasks at once, and their answers through the real graders."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from genius_bench.artifacts import Build, Store
from genius_bench.engines import open_engine
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation import graders
from genius_bench.evaluation.asking import AskedTask, Row
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, load_baseline
from genius_bench.evaluation.generations import ITEMS_FILE, asked_task
from genius_bench.evaluation.judged import ask_judge
from genius_bench.evaluation.protocols import answers_wanted, is_judged
from genius_bench.evaluation.scoring import graded_item, in_order
from genius_bench.evaluation.stage import load_all, task_card
from genius_bench.judging.cost import estimate
from genius_bench.judging.replies import Prompt, Reply
from genius_bench.planning.calibration import SECONDS, Numbers
from genius_bench.planning.trial import Meter, on_trial, one_engine
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.storage import read_json

FEWEST = 8
"""Items of a task, at least; more where otherwise the engine would not be as full as in the run."""


def calibrate_scoring(
    model: ModelFiles, tasks: Sequence[str], settings: EvaluationSection, engine: EngineSection
) -> Numbers:
    """What an answer of each task takes on average, and what the engine does a second. For a process of its own.

    Raises `GeniusBenchError` when there is not one answer in time. A task without any has no numbers.
    """
    engine = one_engine(engine)
    cards = [task_card(name).under(settings.protocol) for name in tasks]
    items = load_all(cards, settings, {})
    with TemporaryDirectory() as folder:
        started = time.monotonic()
        asked = _asked(Path(folder), cards, items, settings, engine.max_batch * engine.copies)
        preparing = time.monotonic() - started
        with on_trial(lambda: open_engine(model, engine)) as trial:
            meter = Meter(trial)
            rows = asyncio.run(_answer(meter, asked))
            numbers = trial.numbers(meter.requests)
        if not meter.requests:
            raise GeniusBenchError(f"no answer was finished within {SECONDS:.0f} s ({rows[0][0]['error']})")
        answered = [[row for row in each if not row["error"]] for each in rows]
        return numbers | {
            "tasks": {
                card.name: _averages(card, task.build, settings, answers) if answers else {}
                for card, task, answers in zip(cards, asked, answered, strict=True)
            },
            "opening_seconds": preparing + numbers["opening_seconds"],
            "complete": answered == rows,
        }


def _asked(
    folder: Path,
    cards: Sequence[TaskCard],
    items: dict[str, Items],
    settings: EvaluationSection,
    max_batch: int,
) -> list[AskedTask]:
    """As the stage asks them, of the first items of each task."""
    answers_per_item = sum(sum(answers_wanted(card, settings)) for card in cards)
    limit = max(FEWEST, ceil(max_batch / answers_per_item))
    few = settings.model_copy(update={"limit": min(limit, settings.limit or limit)})
    return [
        asked_task(Store(folder), card, few, items[card.name], Build(folder / card.name)) for card in cards
    ]


async def _answer(meter: Meter, asked: Sequence[AskedTask]) -> list[list[Row]]:
    """A row an answer, task by task; one that did not come in time has an error."""
    tasks = [asyncio.gather(*(task.answer(meter, prompt) for prompt in task.prompts)) for task in asked]
    return await asyncio.gather(*tasks)


def _averages(card: TaskCard, build: Build, settings: EvaluationSection, rows: list[Row]) -> Numbers:
    answers, entries = in_order(read_json(build.path / ITEMS_FILE)["items"], rows)
    return {
        "read": _mean([row["prompt_tokens"] for row in answers]),
        "greedy_tokens": _mean([row["tokens"] for row in answers if row["repeat"] == 0]),
        "sampled_tokens": _mean([row["tokens"] for row in answers if row["repeat"] > 0]),
        "stored": _mean([len(row["text"]) + 2 * row["tokens"] for row in answers]),
        "grading_seconds": _grading_seconds(card, settings, answers, entries) / len(answers),
        "judge_reads": _tokens_for_judge(card, settings, answers, entries) / len(answers),
    }


def _grading_seconds(
    card: TaskCard, settings: EvaluationSection, answers: list[Row], entries: list[Row]
) -> float:
    """Of all answers together. Only programs take long enough to be tried."""
    grader, unsafe_code = card.facts.grader, settings.unsafe_code
    if grader != "code" or graders.not_gradable(grader, unsafe_code=unsafe_code):
        return 0.0
    pairs = [(row["text"], graded_item(entry, None)) for row, entry in zip(answers, entries, strict=True)]
    started = time.monotonic()
    graders.grade(grader, pairs, unsafe_code=unsafe_code)
    return time.monotonic() - started


@dataclass
class Recorder:
    """A judge that writes down what it is asked and says nothing."""

    both_orders: bool
    name: str = "nobody"
    identity: dict[str, Any] = field(default_factory=dict)
    prompts: list[Prompt] = field(default_factory=list)

    async def ask(self, prompts: Sequence[Prompt], announce: Callable[[str], None]) -> list[Reply]:
        self.prompts += prompts
        return [Reply(error="not asked")] * len(prompts)

    def close(self) -> None:
        """Nothing was opened."""


def _tokens_for_judge(
    card: TaskCard, settings: EvaluationSection, answers: list[Row], entries: list[Row]
) -> float:
    """Of the prompts that the judge would read, as the cost estimate counts them."""
    if not is_judged(card) or settings.judge.model is None:
        return 0.0
    recorder = Recorder(settings.judge.both_orders)
    baseline = load_baseline(card, settings.data)
    ask_judge(recorder, card, answers, entries, baseline, announce=lambda text: None)
    return estimate(recorder.prompts, settings.judge).prompt_tokens


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
