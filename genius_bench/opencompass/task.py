"""What one benchmark is asked and how: the items, the ways of asking, and the key that its scores are stored under."""

from dataclasses import asdict, dataclass
from typing import Any

from genius_bench.artifacts import Identity
from genius_bench.engines.endpoint import Endpoint, served_fingerprint
from genius_bench.engines.loading import ModelFiles
from genius_bench.evaluation.cards import TaskCard, task_card
from genius_bench.evaluation.data import Items, load_items
from genius_bench.evaluation.generations import protocol_name
from genius_bench.evaluation.protocols import answers_wanted
from genius_bench.integrity import digest_of
from genius_bench.judging import VERSION
from genius_bench.judging.judge import Judge
from genius_bench.opencompass import environment
from genius_bench.opencompass.baselines import load_baselines
from genius_bench.opencompass.benchmarks import Benchmark, benchmark_called
from genius_bench.opencompass.configuration import Asked
from genius_bench.opencompass.data_layout import Baselines
from genius_bench.opencompass.results import answers_per_item
from genius_bench.opencompass.serving import ENDPOINT, server_kind
from genius_bench.recipe import EngineSection, EvaluationSection

STAGE_VERSION = 2
"""Since 2, answers end with the chat template's end of turn, and a judge's emphasised "_m_" is a verdict."""


@dataclass(frozen=True)
class Task:
    """One benchmark as it is to be asked. `limit` is None when all items are."""

    card: TaskCard
    benchmark: Benchmark
    items: Items
    baselines: Baselines
    limit: int | None
    asked: tuple[tuple[int, Asked], ...]
    """Repeat (0 for the greedy answer) and how it is asked."""
    protocol: str
    judge: Judge | None
    unsafe_code: bool

    @property
    def total(self) -> int:
        """Answers wanted."""
        return len(self.items.ids[: self.limit]) * answers_per_item(self.benchmark) * len(self.asked)

    @property
    def samples(self) -> int:
        return max(repeat for repeat, _ in self.asked)


def task_for(name: str, settings: EvaluationSection, judge: Judge | None) -> Task:
    """The task as the settings want it asked. Raises `InputError` where its items or baselines cannot be had."""
    card = task_card(name).under(settings.protocol)
    benchmark = benchmark_called(name)
    greedy, samples = answers_wanted(card, settings)
    items = load_items(card, settings.data, settings.split)
    tokens = settings.max_tokens or card.max_tokens
    asked = [(0, Asked("greedy", 0.0, tokens))] if greedy else []
    asked += [(n, Asked(f"sample-{n}", settings.temperature, tokens)) for n in range(1, samples + 1)]
    return Task(
        card=card,
        benchmark=benchmark,
        items=items,
        baselines=load_baselines(card, benchmark, settings.data) if benchmark.is_judged else {},
        limit=settings.limit if settings.limit and settings.limit < len(items.ids) else None,
        asked=tuple(asked),
        protocol=f"{protocol_name(settings, card, items)} (opencompass {environment.VERSION})",
        judge=judge if benchmark.is_judged else None,
        unsafe_code=settings.unsafe_code,
    )


def identity_of(task: Task, model: ModelFiles | Endpoint, engine: EngineSection) -> Identity:
    """All that determines the scores."""
    parameters: dict[str, Any] = {
        "task": task.card.name,
        "grader": "opencompass",
        "opencompass": environment.VERSION,
        "configuration": task.benchmark.configuration,
        "protocol": task.protocol,
        "items": digest_of([task.items.fingerprint, task.items.ids[: task.limit]]),
        "asked": [[repeat, asdict(asked)] for repeat, asked in task.asked],
        "limit": task.limit,
        "server": ENDPOINT if isinstance(model, Endpoint) else server_kind(),
    }
    if task.benchmark.is_judged:
        parameters["baselines"] = digest_of(
            {name: sorted(one.items()) for name, one in task.baselines.items()}
        )
        parameters["judge"] = task.judge.identity | {"reading": VERSION} if task.judge else None
    if task.benchmark.is_code:  # scores without a sandbox must not stand in for those with one
        parameters["sandbox"] = "unsafe" if task.unsafe_code else "bubblewrap"
    return Identity(
        kind="scores",
        version=STAGE_VERSION,
        parameters=parameters,
        inputs={"policy": served_fingerprint(model, engine)},
    )
