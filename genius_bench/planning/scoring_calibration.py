"""A few items of every task through the real engine, all tasks at once, and their answers through the real graders."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.engines import open_engine
from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.engines.loading import ModelFiles
from genius_bench.engines.rendering import render
from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation import graders
from genius_bench.evaluation.asking import Prompt
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, load_baseline, load_items
from genius_bench.evaluation.generations import described_item
from genius_bench.evaluation.protocols import answers_wanted, is_judged
from genius_bench.evaluation.scoring import graded_item
from genius_bench.evaluation.stage import task_card
from genius_bench.judging.cost import estimate
from genius_bench.planning.calibration import SECONDS, Numbers, ended_by_force, peak_memory
from genius_bench.planning.judgements import prompts_for_judge
from genius_bench.planning.sampling_calibration import one_engine
from genius_bench.planning.speed import Asked, Speed, speed_of
from genius_bench.recipe import EngineSection, EvaluationSection
from genius_bench.seeds import seed_of

FEWEST = 8
"""Items of a task, at least; more where otherwise the engine would not be as full as in the run."""


@dataclass(frozen=True)
class Answered:
    card: TaskCard
    prompt: Prompt
    prompt_tokens: int
    completion: Completion


def calibrate_scoring(
    model: ModelFiles, tasks: Sequence[str], settings: EvaluationSection, engine_settings: EngineSection
) -> Numbers:
    """What an answer of each task takes on average, and what the engine does a second. For a process of its own."""
    cards = [task_card(name).under(settings.protocol) for name in tasks]
    items = {card.name: load_items(card, settings.data, settings.split) for card in cards}
    engine_settings = one_engine(engine_settings)
    started = time.monotonic()
    prompts = _prompts(cards, items, settings, engine_settings.max_batch * engine_settings.copies)
    with ended_by_force(), peak_memory() as peak:
        engine = open_engine(model, engine_settings)
        opening = time.monotonic() - started
        try:
            answered, speed = asyncio.run(_ask_all(engine, prompts, settings))
        finally:
            engine.close()
        return {
            "tasks": {card.name: _task_numbers(card, items[card.name], settings, answered) for card in cards},
            "tokens_per_second": speed.tokens_per_second,
            "tail_seconds": speed.tail,
            "opening_seconds": opening,
            "complete": len(answered) == len(prompts),
            "peak_bytes": peak(),
        }


def _prompts(
    cards: Sequence[TaskCard], items: dict[str, Items], settings: EvaluationSection, max_batch: int
) -> list[tuple[TaskCard, Prompt]]:
    """As lm-eval builds them, those of all tasks."""
    from genius_bench.evaluation.bridge import prompts_of

    found: list[tuple[TaskCard, Prompt]] = []
    for card in cards:
        greedy, samples = answers_wanted(card, settings)
        repeats = range(0 if greedy else 1, 1 + samples)
        filling = -(-max_batch // (len(repeats) * len(cards)))
        limit = min(len(items[card.name].rows), settings.limit or 10**9, max(FEWEST, filling))
        asked = prompts_of(card, items[card.name], repeats=repeats, limit=limit)
        found += [(card, prompt) for prompt in asked]
    return found


async def _ask_all(
    engine: Engine, prompts: list[tuple[TaskCard, Prompt]], settings: EvaluationSection
) -> tuple[list[Answered], Speed]:
    requests: list[Asked] = []

    async def ask(card: TaskCard, prompt: Prompt) -> Answered:
        prompt_ids = render(engine.tokenizer, prompt.messages)
        request = Request(
            prompt_ids=prompt_ids,
            max_tokens=settings.max_tokens or card.max_tokens,
            seed=seed_of("calibration", card.name, prompt.index, prompt.repeat),
            temperature=settings.temperature if prompt.repeat else 0.0,
            stop=prompt.stop,
        )
        begun = time.monotonic()
        completion = await engine.generate(request)
        requests.append(Asked(begun, time.monotonic(), completion.completion_tokens))
        return Answered(card, prompt, len(prompt_ids), completion)

    tasks = [asyncio.ensure_future(ask(card, prompt)) for card, prompt in prompts]
    done, pending = await asyncio.wait(tasks, timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if not done:
        raise GeniusBenchError(f"no answer was finished within {SECONDS:.0f} s")
    return [task.result() for task in done], speed_of(requests)


def _task_numbers(
    card: TaskCard, items: Items, settings: EvaluationSection, answered: Sequence[Answered]
) -> Numbers:
    mine = [one for one in answered if one.card.name == card.name]
    if not mine:
        return {}
    tokens: dict[bool, list[int]] = defaultdict(list)
    for one in mine:
        tokens[one.prompt.repeat > 0].append(one.completion.completion_tokens)
    return {
        "answers": len(mine),
        "prompt_tokens": _mean([one.prompt_tokens for one in mine]),
        "greedy_tokens": _mean(tokens[False]),
        "sampled_tokens": _mean(tokens[True]),
        "stored_bytes": _mean(
            [len(one.completion.text) + 2 * one.completion.completion_tokens for one in mine]
        ),
        "grading_seconds": _grading_seconds(card, items, settings, mine) / len(mine),
        "judged_tokens": _judged_tokens(card, items, settings, mine) / len(mine),
    }


def _grading_seconds(
    card: TaskCard, items: Items, settings: EvaluationSection, answered: Sequence[Answered]
) -> float:
    """Of all answers together. Only programs take long enough to be tried."""
    if card.facts.grader != "code" or graders.not_gradable(
        card.facts.grader, unsafe_code=settings.unsafe_code
    ):
        return 0.0
    pairs = [(one.completion.text, graded_item(_described(card, items, one), None)) for one in answered]
    started = time.monotonic()
    graders.grade(card.facts.grader, pairs, unsafe_code=settings.unsafe_code)
    return time.monotonic() - started


def _judged_tokens(
    card: TaskCard, items: Items, settings: EvaluationSection, answered: Sequence[Answered]
) -> float:
    """Of the prompts that the judge would read, as the cost estimate counts them."""
    if not is_judged(card) or settings.judge.model is None:
        return 0.0
    baseline = load_baseline(card, settings.data)
    pairs = [(_described(card, items, one), one.completion.text) for one in answered]
    prompts = prompts_for_judge(card, pairs, baseline, both_orders=settings.judge.both_orders)
    return estimate(prompts, settings.judge).prompt_tokens


def _described(card: TaskCard, items: Items, one: Answered) -> dict[str, Any]:
    return described_item(card, items.ids[one.prompt.index], items.rows[one.prompt.index])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
