"""The stage that asks: all answers of one checkpoint to one task, greedy (repeat 0) and sampled (repeats 1…k)."""

from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store, digest_of
from genius_bench.evaluation.asking import EVALUATION_SEED, Asker, LazyEngine
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, Row, load_items
from genius_bench.recipe import EvaluationSection

STAGE_VERSION = 1
ITEMS_FILE = "items.json"


def generate(
    store: Store,
    card: TaskCard,
    settings: EvaluationSection,
    *,
    engine: LazyEngine,
    checkpoint_fingerprint: str,
    checkpoint_name: str,
) -> Artifact:
    """The answers of a checkpoint to a task, found or generated now (continuing an interrupted attempt)."""
    items = load_items(card, settings.data, settings.split)
    limit = settings.limit if settings.limit and settings.limit < len(items.rows) else None
    max_tokens = settings.max_tokens or card.max_tokens
    identity = Identity(
        kind="generations",
        version=STAGE_VERSION,
        parameters={
            "task": card.name,
            "task_version": card.facts.version,
            "protocol": protocol_name(settings, card, items),
            "prompt": _prompt_fingerprint(card),
            "items": digest_of([items.fingerprint, items.ids[:limit]]),
            "examples": digest_of(items.examples),
            "samples": settings.samples,
            "temperature": settings.temperature if settings.samples else 0.0,
            "max_tokens": max_tokens,
            "limit": limit,
            "seed": EVALUATION_SEED,
        },
        inputs={"policy": checkpoint_fingerprint},
    )

    def produce(build: Build) -> None:
        from genius_bench.evaluation.bridge import run_task

        build.write_json(ITEMS_FILE, _describe(card, items, limit))
        asker = Asker(
            engine=engine,
            build=build,
            task=card.name,
            item_ids=items.ids,
            temperature=settings.temperature,
            max_tokens=max_tokens,
            title=f"{checkpoint_name}: {card.name}",
        )
        run_task(card, items, repeats=1 + settings.samples, limit=limit, answer=asker)

    return store.make(identity, produce)


def protocol_name(settings: EvaluationSection, card: TaskCard, items: Items) -> str:
    """The protocol, marked where solved examples could not be had or the split is another than the task's.

    Such numbers keep a column of their own.
    """
    given = len(items.examples)
    name = settings.protocol if given == card.shots else f"{settings.protocol} ({given}-shot)"
    return f"{name} on {settings.split}" if settings.split else name


def _prompt_fingerprint(card: TaskCard) -> str:
    """Of what the prompts are made of, the items aside."""
    places = ("dataset_path", "dataset_name", "dataset_kwargs")
    return digest_of({key: value for key, value in card.config.items() if key not in places})


def _describe(card: TaskCard, items: Items, limit: int | None) -> dict[str, Any]:
    """What grading needs to know, kept beside the answers so that they can be graded again without the data."""
    return {
        "expected_items": card.facts.expected_items,
        "dataset": "changed" if items.changed else "as expected",
        "shots": len(items.examples),
        "items": [
            _describe_item(card, name, row)
            for name, row in zip(items.ids[:limit], items.rows[:limit], strict=True)
        ],
    }


def _describe_item(card: TaskCard, name: str, row: Row) -> dict[str, Any]:
    from genius_bench.evaluation.bridge import gold_text

    item: dict[str, Any] = {
        "id": name,
        "question": str(row[card.facts.columns[0]]),
        "gold": gold_text(card, row),
    }
    if card.facts.options:
        labels, options = _options(row[card.facts.options])
        item |= {"labels": labels, "options": options}
    if card.facts.grader == "code":
        item |= {"tests": list(row["tests"]), "entry_point": row["entry_point"]}
    return item


def _options(value: Any) -> tuple[list[str], list[str]]:
    """Labels and texts, from a list of texts (labelled A, B, …) or the hub's {"label": …, "text": …}."""
    if isinstance(value, dict):
        return list(value["label"]), list(value["text"])
    return [chr(ord("A") + position) for position in range(len(value))], list(value)
