"""The stage that asks: all answers of one checkpoint to tasks, greedy (repeat 0) and sampled (repeats 1…k)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.asking import EVALUATION_SEED, AskedTask, LazyEngine, ask
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, Row, load_function
from genius_bench.evaluation.facts import FORM
from genius_bench.evaluation.program_tests import ProgramTest
from genius_bench.evaluation.protocols import answers_wanted, protocols
from genius_bench.evaluation.row_checks import options_of
from genius_bench.integrity import digest_of
from genius_bench.printing import note
from genius_bench.recipe import EvaluationSection

STAGE_VERSION = 2
"""Since 2, a chat template's end of turn ends an answer although the model's configuration does not name it."""
ITEMS_FILE = "items.json"
TOGETHER = 16_384
"""Prompts that tasks may have and still be asked together: all of them are in memory."""


def generate(
    store: Store,
    cards: Sequence[TaskCard],
    settings: EvaluationSection,
    *,
    items: Mapping[str, Items],
    engine: LazyEngine,
    checkpoint_fingerprint: str,
    checkpoint_name: str,
) -> list[Artifact]:
    """The answers of a checkpoint to tasks (as the protocol asks them), found or generated now, continuing an
    interrupted attempt. Small tasks are asked together: a batch that is full costs little more than one that is not."""
    found: list[Artifact] = []
    for group in _groups(cards, settings, items):
        identities = {
            card.name: answers_identity(card, settings, items[card.name], checkpoint_fingerprint)
            for card in group
        }

        def produce(
            builds: dict[str, Build], group: list[TaskCard] = group, keys: dict[str, Identity] = identities
        ) -> None:
            tasks = [
                asked_task(store, card, settings, items[card.name], builds[keys[card.name].key])
                for card in group
                if keys[card.name].key in builds
            ]
            what = tasks[0].name if len(tasks) == 1 else f"{len(tasks)} tasks"
            ask(engine, tasks, f"{checkpoint_name}: {what}{_manner(settings)}")

        found += store.make_together(list(identities.values()), produce)
    return found


def answers_identity(
    card: TaskCard, settings: EvaluationSection, items: Items, checkpoint_fingerprint: str
) -> Identity:
    """What determines the answers of a checkpoint to a task."""
    greedy, samples = answers_wanted(card, settings)
    limit = _limit(settings, items)
    parameters = {
        "task": card.name,
        "task_version": card.facts.version,
        "protocol": protocol_name(settings, card, items),
        "prompt": _prompt_fingerprint(card),
        "items": digest_of([items.fingerprint, items.ids[:limit]]),
        "examples": digest_of(items.examples),
        "samples": samples,
        "temperature": settings.temperature if samples else 0.0,
        "max_tokens": settings.max_tokens or card.max_tokens,
        "limit": limit,
        "seed": EVALUATION_SEED,
    }
    if not greedy:
        parameters["greedy"] = False
    return Identity(
        kind="generations",
        version=STAGE_VERSION,
        parameters=parameters,
        inputs={"policy": checkpoint_fingerprint},
    )


def _groups(
    cards: Sequence[TaskCard], settings: EvaluationSection, items: Mapping[str, Items]
) -> Iterator[list[TaskCard]]:
    """Tasks, in their order, that have few enough prompts to be asked together."""
    group: list[TaskCard] = []
    prompts = 0
    for card in cards:
        own = sum(answers_wanted(card, settings)) * len(items[card.name].rows[: settings.limit])
        if group and prompts + own > TOGETHER:
            yield group
            group, prompts = [], 0
        group.append(card)
        prompts += own
    if group:
        yield group


def asked_task(
    store: Store, card: TaskCard, settings: EvaluationSection, items: Items, build: Build
) -> AskedTask:
    """The prompts of a task, with what grading needs to know of its items laid down in `build`."""
    from genius_bench.evaluation.bridge import prompts_of

    greedy, samples = answers_wanted(card, settings)
    limit = _limit(settings, items)
    build.write_json(ITEMS_FILE, _describe(store, card, items, limit))
    return AskedTask(
        name=card.name,
        build=build,
        item_ids=items.ids,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens or card.max_tokens,
        prompts=prompts_of(card, items, repeats=range(0 if greedy else 1, 1 + samples), limit=limit),
    )


def _limit(settings: EvaluationSection, items: Items) -> int | None:
    return settings.limit if settings.limit and settings.limit < len(items.rows) else None


def _manner(settings: EvaluationSection) -> str:
    """What tells the settings of controls apart, for who looks on."""
    split = f" ({settings.split})" if settings.split else ""
    return split if settings.temperature == 1 else f" at T={settings.temperature:g}{split}"


def protocol_name(settings: EvaluationSection, card: TaskCard, items: Items) -> str:
    """The protocol, marked where solved examples could not be had or the split is another than the task's.

    Such numbers keep a column of their own.
    """
    version = protocols()[settings.protocol].version
    name = settings.protocol if version == 1 else f"{settings.protocol} v{version}"
    given = len(items.examples)
    name = name if given == card.shots else f"{name} ({given}-shot)"
    return f"{name} on {settings.split}" if settings.split else name


def _prompt_fingerprint(card: TaskCard) -> str:
    """Of what the prompts are made of, the items aside."""
    places = ("dataset_path", "dataset_name", "dataset_kwargs")
    return digest_of({key: value for key, value in card.config.items() if key not in places})


def _describe(store: Store, card: TaskCard, items: Items, limit: int | None) -> dict[str, Any]:
    """What grading needs to know, kept beside the answers so that they can be graded again without the data."""
    described = {
        "expected_items": card.facts.expected_items,
        "dataset": "changed" if items.changed else "as expected",
        "shots": len(items.examples),
        "items": [
            described_item(card, name, row)
            for name, row in zip(items.ids[:limit], items.rows[:limit], strict=True)
        ],
    }
    return described | ({"tests": _tests(store, card, items, limit).key} if card.facts.tests else {})


def described_item(card: TaskCard, name: str, row: Row) -> dict[str, Any]:
    """What grading needs to know of one item."""
    from genius_bench.evaluation.bridge import gold_text, question_text

    item: dict[str, Any] = {"id": name, "question": question_text(card, row), "gold": gold_text(card, row)}
    if card.facts.slices:
        item["slices"] = list(row[card.facts.slices])
    if card.facts.options:
        labels, options = options_of(row[card.facts.options])
        item |= {"labels": labels, "options": options}
    if card.facts.grader == "code":
        item |= {
            "tests": list(row["tests"]),
            "entry_point": row["entry_point"],
            "setup": row.get("setup") or "",
        }
    if card.facts.grader in FORM:
        item["tests"] = list(row["tests"])
    if judging := card.facts.judging:
        item |= {"key": str(row[judging.key]), "checklist": list(row.get(judging.checklist or "") or ())}
        if card.facts.conversation:
            item["conversation"] = row[card.facts.conversation]
    return item


def _tests(store: Store, card: TaskCard, items: Items, limit: int | None) -> Artifact:
    """The tests of a task's programs, once for all checkpoints: those of LiveCodeBench are gigabytes."""
    identity = Identity(
        kind="tests",
        version=1,
        parameters={"task": card.name, "items": digest_of([items.fingerprint, items.ids[:limit]])},
        inputs={},
    )

    def produce(build: Build) -> None:
        without = 0
        done = {row["id"] for row in build.rows()}
        for name, row in zip(items.ids[:limit], items.rows[:limit], strict=True):
            if name not in done:
                function, tests = _read_tests(card, name, row)
                without += not tests
                listed = json.dumps([asdict(test) for test in tests])
                build.write_shard([{"id": name, "function": function or "", "tests": listed}])
        if without:
            note(f"{card.name}: {without} items have no tests: whatever is answered counts as wrong")

    return store.make(identity, produce)


def _read_tests(card: TaskCard, name: str, row: Row) -> tuple[str | None, list[ProgramTest]]:
    """The function and the tests of a program. Raises `InputError` where they cannot be had or do not fit."""
    read = load_function(str(card.facts.tests))
    try:
        function, tests = read(row)
        kinds = {test.kind for test in tests}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"its tests cannot be read ({type(error).__name__}: {error})"
        raise InputError(f"task '{card.name}': item {name}: {reason}") from error
    if kinds - {"functional" if function else "stdin"}:
        raise InputError(
            f"task '{card.name}': item {name}: functional tests need a function, others must not have one"
        )
    return function, tests
