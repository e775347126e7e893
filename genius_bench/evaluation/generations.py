"""The stage that asks: all answers of one checkpoint to one task, greedy (repeat 0) and sampled (repeats 1…k)."""

import json
from dataclasses import asdict
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.asking import EVALUATION_SEED, Asker, LazyEngine
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, Row, load_function
from genius_bench.evaluation.program_tests import ProgramTest
from genius_bench.evaluation.protocols import answers_wanted, protocols
from genius_bench.evaluation.row_checks import options_of
from genius_bench.integrity import digest_of
from genius_bench.printing import note
from genius_bench.recipe import EvaluationSection

STAGE_VERSION = 2
"""Since 2, a chat template's end of turn ends an answer although the model's configuration does not name it."""
ITEMS_FILE = "items.json"


def generate(
    store: Store,
    card: TaskCard,
    settings: EvaluationSection,
    *,
    items: Items,
    engine: LazyEngine,
    checkpoint_fingerprint: str,
    checkpoint_name: str,
) -> Artifact:
    """The answers of a checkpoint to a task (as the protocol asks it), found or generated now, continuing an
    interrupted attempt."""
    greedy, samples = answers_wanted(card, settings)
    limit = settings.limit if settings.limit and settings.limit < len(items.rows) else None
    max_tokens = settings.max_tokens or card.max_tokens
    parameters = {
        "task": card.name,
        "task_version": card.facts.version,
        "protocol": protocol_name(settings, card, items),
        "prompt": _prompt_fingerprint(card),
        "items": digest_of([items.fingerprint, items.ids[:limit]]),
        "examples": digest_of(items.examples),
        "samples": samples,
        "temperature": settings.temperature if samples else 0.0,
        "max_tokens": max_tokens,
        "limit": limit,
        "seed": EVALUATION_SEED,
    }
    if not greedy:
        parameters["greedy"] = False
    identity = Identity(
        kind="generations",
        version=STAGE_VERSION,
        parameters=parameters,
        inputs={"policy": checkpoint_fingerprint},
    )

    def produce(build: Build) -> None:
        from genius_bench.evaluation.bridge import run_task

        build.write_json(ITEMS_FILE, _describe(store, card, items, limit))
        asker = Asker(
            engine=engine,
            build=build,
            task=card.name,
            item_ids=items.ids,
            temperature=settings.temperature,
            max_tokens=max_tokens,
            title=f"{checkpoint_name}: {card.name}",
        )
        repeats = range(0 if greedy else 1, 1 + samples)
        run_task(card, items, repeats=repeats, limit=limit, answer=asker)

    return store.make(identity, produce)


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
    if card.facts.options:
        labels, options = options_of(row[card.facts.options])
        item |= {"labels": labels, "options": options}
    if card.facts.grader == "code":
        item |= {
            "tests": list(row["tests"]),
            "entry_point": row["entry_point"],
            "setup": row.get("setup") or "",
        }
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
