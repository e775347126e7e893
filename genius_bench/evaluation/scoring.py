"""The stage that grades: stored answers in, per-answer verdicts and scores out. Nothing is generated here."""

import json
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.environment import package_version
from genius_bench.evaluation import graders
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.generations import ITEMS_FILE
from genius_bench.evaluation.metrics import scores_of
from genius_bench.evaluation.program_tests import ProgramTest
from genius_bench.evaluation.protocols import protocols
from genius_bench.evaluation.scores import write_scores

STAGE_VERSION = 3

Row = dict[str, Any]


def score(store: Store, generations: Artifact, card: TaskCard, *, unsafe_code: bool = False) -> Artifact:
    """The scores of stored answers by our graders, found or computed now.

    A new grader version makes new scores from the same answers.
    """
    obstacle = graders.not_gradable(card.facts.grader, unsafe_code=unsafe_code)
    parameters: dict[str, Any] = {
        "task": card.name,
        "grader": card.facts.grader,
        "grader_version": graders.VERSION,
        "released": card.facts.released,
    }
    if card.facts.grader == "math":
        parameters["math_verify"] = package_version("math-verify")
    if card.facts.grader == "instructions":
        parameters["checks"] = "none" if obstacle else f"lm-eval {package_version('lm-eval')}"
    if card.facts.grader in graders.RUN:  # scores without a sandbox must not stand in for those with one
        parameters["sandbox"] = "none" if obstacle else "unsafe" if unsafe_code else "bubblewrap"
    identity = Identity(
        kind="scores",
        version=STAGE_VERSION,
        parameters=parameters,
        inputs={"generations": generations.key},
    )

    def produce(build: Build) -> None:
        described = generations.json(ITEMS_FILE)
        tests = _program_tests(store, described)
        rows = _graded_rows(card, described["items"], tests, list(generations.rows()), obstacle, unsafe_code)
        if not any(True for _ in build.rows()):  # rows that an interrupted attempt left are the same
            build.write_shard(rows)
        grader = f"{card.facts.grader} v{graders.VERSION}"
        found = scores_of(
            card.name,
            rows,
            details_of(card, described, generations, grader, obstacle),
            graded=obstacle is None,
            released=card.facts.released != "none",
            headline=_headline(generations),
        )
        write_scores(build, found)

    return store.make(identity, produce)


def _headline(generations: Artifact) -> str:
    """Whose verdicts count under the protocol that the answers were asked for."""
    name = str(generations.manifest["parameters"]["protocol"]).split(" ")[0]
    return protocols()[name].headline if name in protocols() else "robust"


def _program_tests(store: Store, described: dict[str, Any]) -> dict[str, Row]:
    """Item → its input-output tests, where the task has such."""
    return (
        {row["id"]: row for row in store.named("tests", described["tests"]).rows()}
        if "tests" in described
        else {}
    )


def details_of(
    card: TaskCard, described: dict[str, Any], generations: Artifact, grader: str, obstacle: str | None
) -> dict[str, Any]:
    """What a reader of the numbers may want to know of how they came about."""
    asked = generations.manifest["parameters"]
    details = {
        "protocol": asked["protocol"],
        "task_version": asked["task_version"],
        "grader": grader,
        "released": card.facts.released,
        "dataset": described["dataset"],
        "expected_items": described["expected_items"],
        "shots": described["shots"],
        "samples": asked["samples"],
        "temperature": asked["temperature"],
        "max_tokens": asked["max_tokens"],
        "limit": asked["limit"],
        "generations": generations.key,
    }
    return details | ({"not_scored": obstacle} if obstacle else {})


def _graded_rows(
    card: TaskCard,
    described: list[Row],
    tests: dict[str, Row],
    answers: list[Row],
    obstacle: str | None,
    unsafe_code: bool,
) -> list[Row]:
    """One row an answer, in the order of the items and repeats."""
    answers, entries = in_order(described, answers)
    items = [graded_item(entry, tests.get(entry["id"])) for entry in entries]
    texts = [answer["text"] for answer in answers]
    if obstacle:
        verdicts = [graders.Verdict(None, False)] * len(answers)
    else:
        pairs = list(zip(texts, items, strict=True))
        verdicts = graders.grade(card.facts.grader, pairs, unsafe_code=unsafe_code)
    return [
        _graded_row(card, entry, item, answer, verdict)
        for entry, item, answer, verdict in zip(entries, items, answers, verdicts, strict=True)
    ]


def in_order(described: list[Row], answers: list[Row]) -> tuple[list[Row], list[Row]]:
    """The answers in the order of items and repeats, and each one's item."""
    position = {entry["id"]: index for index, entry in enumerate(described)}
    answers = sorted(answers, key=lambda answer: (position[answer["item_id"]], answer["repeat"]))
    return answers, [described[position[answer["item_id"]]] for answer in answers]


def _graded_row(card: TaskCard, entry: Row, item: graders.Item, answer: Row, verdict: graders.Verdict) -> Row:
    truncated = answer["finish_reason"] == "length"
    error = answer["error"] != ""
    published = graders.Verdict(None, False)
    if card.facts.released != "none":
        published = graders.grade_released(card.facts.released, card.facts.grader, answer["text"], item)
    readable = verdict.extracted is not None
    return answer_record(entry, answer, failed_format=not readable, ungraded=verdict.ungraded) | {
        "gold": graders.gold_answer(card.facts.grader, item),
        "extracted": verdict.extracted or "",
        "vote": graders.vote(card.facts.grader, verdict.extracted),
        "correct": verdict.correct and not truncated and not error,
        "released_extracted": published.extracted or "",
        "released_correct": published.correct,
    }


def answer_record(entry: Row, answer: Row, *, failed_format: bool, ungraded: str = "") -> Row:
    """What every graded answer's row holds, whoever graded it. `ungraded` says why it could not be judged."""
    truncated, error = answer["finish_reason"] == "length", answer["error"] != ""
    return {
        "item_id": answer["item_id"],
        "repeat": answer["repeat"],
        "question": entry["question"],
        "response": answer["text"],
        "format_failure": failed_format,
        "truncated": truncated,
        "empty": not error and not answer["text"].strip(),
        "error": error,
        "ungraded": bool(ungraded),
        "any_failure": error or truncated or failed_format or bool(ungraded),
        "error_message": answer["error"],
        "ungraded_because": ungraded,
        "finish_reason": answer["finish_reason"],
        "response_tokens": answer.get("tokens") or len(answer["token_ids"]),
        **({"slices": entry["slices"]} if "slices" in entry else {}),
    }


def graded_item(entry: Row, tests: Row | None) -> graders.Item:
    """An item as graders know it; `tests` are those of a program, kept apart."""
    return graders.Item(
        gold=entry["gold"],
        labels=tuple(entry.get("labels", ())),
        options=tuple(entry.get("options", ())),
        tests=tuple(entry.get("tests", ())),
        entry_point=tests["function"] if tests else entry.get("entry_point", ""),
        setup=entry.get("setup", ""),
        program_tests=tuple(ProgramTest(**test) for test in json.loads(tests["tests"])) if tests else (),
    )
