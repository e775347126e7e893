"""From OpenCompass' files to our rows: one a question and way of asking, in the columns of `evaluation.scoring`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.errors import GeniusBenchError
from genius_bench.judging.judged import Judged
from genius_bench.opencompass.benchmarks import Benchmark
from genius_bench.opencompass.configuration import JUDGE
from genius_bench.opencompass.data_layout import Item, Layout
from genius_bench.opencompass.relay import Answer, Journal
from genius_bench.opencompass.run import Job, predictions, results, unfinished
from genius_bench.opencompass.verdicts import judged_items

ROTATIONS = 4
"""WikiBench asks each question with its options in four orders; all four answers must be right."""
UNDECIDED = 0.5
"""What a question counts whose judge gave no verdict, as in `evaluation.judged`."""
ROLES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system"}

Json = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Graded:
    """Rows, the numbers as OpenCompass has them, and what the judge made of each row's answer."""

    rows: list[Row]
    numbers: dict[str, float]
    judged: list[Judged]


def answers_per_item(benchmark: Benchmark) -> int:
    return ROTATIONS if benchmark.kind == "circular" else 1


def read_graded(
    job: Job, benchmark: Benchmark, layout: Layout, name: str, repeat: int, journal: Journal
) -> Graded:
    """All that became of the answers of `name`. Raises `GeniusBenchError` where OpenCompass left something out."""
    rows: list[Row] = []
    judged: list[Judged] = []
    numbers: dict[str, float] = {}
    for dataset, items in layout.items():
        answers = predictions(job, name, dataset)
        if benchmark.is_judged:
            verdicts, found = _verdicts(job, benchmark, name, dataset, len(items), journal)
            judged += verdicts
            rows += [
                _judged_row(item, repeat, saved, _heard(journal, name, saved), one)
                for item, saved, one in zip(items, answers, verdicts, strict=True)
            ]
        else:
            found = results(job, name, dataset)
            rows += _objective_rows(job, benchmark, dataset, items, repeat, answers, found, name, journal)
        numbers |= _numbers(dataset, found, several=len(layout) > 1)
    return Graded(rows, numbers, judged)


def read_answered(job: Job, layout: Layout, name: str, repeat: int, journal: Journal) -> Graded:
    """The answers alone, where nobody judges them."""
    rows = [
        _judged_row(item, repeat, saved, _heard(journal, name, saved), None)
        for dataset, items in layout.items()
        for item, saved in zip(items, predictions(job, name, dataset), strict=True)
    ]
    return Graded(rows, {}, [])


def _objective_rows(
    job: Job,
    benchmark: Benchmark,
    dataset: str,
    items: Sequence[Item],
    repeat: int,
    answers: Sequence[Json],
    found: Json,
    name: str,
    journal: Journal,
) -> list[Row]:
    per_item = answers_per_item(benchmark)
    details = _details(found)
    if len(details) != len(answers) or len(answers) != per_item * len(items):
        problem = f"{dataset} has {len(details)} results for {len(answers)} answers to {len(items)} items"
        raise GeniusBenchError(unfinished(job, "eval", problem))
    rows = []
    for number, item in enumerate(items):
        part = slice(number * per_item, (number + 1) * per_item)
        heard = [_heard(journal, name, saved) for saved in answers[part]]
        read = [_read(benchmark, detail) for detail in details[part]]
        texts = [str(saved["prediction"]) for saved in answers[part]]
        rows.append(_row(item, repeat, texts, heard, read))
    return rows


def _details(found: Json) -> list[Json]:
    """Per answer, in order: OpenCompass writes a list or an object with numbers for keys (and a `type`)."""
    details = found.get("details") or []
    if isinstance(details, dict):
        details = [details[key] for key in sorted((key for key in details if key.isdecimal()), key=int)]
    return list(details)


def _read(benchmark: Benchmark, detail: Json) -> tuple[str, bool]:
    """What OpenCompass took for the answer, and whether it is right."""
    if benchmark.kind == "mbpp":
        return str(_only(detail["programs"])), bool(_only(detail["is_correct"]))
    if benchmark.kind == "livecodebench":
        return str(_only(detail["extracted_prediction"]) or ""), bool(_only(detail["correct"]))
    extracted, reference = str(detail.get("predictions", detail.get("pred", ""))), detail.get("references")
    if benchmark.kind == "circular":  # "<item>--<letter>--<order of the options>"
        reference = str(reference).split("--")[1]
    return extracted, bool(detail["correct"]) if "correct" in detail else extracted == str(reference)


def _only(value: Any) -> Any:
    """OpenCompass wraps what it says of an answer into a list (of its repetitions, of which it knows one)."""
    while isinstance(value, list):
        value = value[0] if value else ""
    return value


def _row(item: Item, repeat: int, texts: list[str], heard: list[Answer], read: list[tuple[str, bool]]) -> Row:
    error = next((answer.error for answer in heard if answer.error), "")
    extracted = [text for text, _ in read]
    failed = any(not text for text in extracted)
    right = all(correct for _, correct in read)
    return _answer(item, repeat, "\n\n".join(texts), heard, failed, error) | {
        "gold": item.gold,
        "extracted": " / ".join(extracted),
        "vote": "" if failed or len(extracted[0]) > 1 else " / ".join(extracted),
        "correct": right and not error,
        "released_extracted": "",
        "released_correct": False,
    }


def _judged_row(item: Item, repeat: int, saved: Json, heard: Answer, judged: Judged | None) -> Row:
    value = 0.0 if judged is None else UNDECIDED if judged.value is None else judged.value
    return _answer(item, repeat, str(saved["prediction"]), [heard], False, heard.error) | {
        "gold": "",
        "extracted": " / ".join(str(verdict) for verdict in judged.verdicts) if judged else "",
        "vote": "",
        "correct": value,
        "released_extracted": "",
        "released_correct": False,
        "judge_failure": judged is not None and judged.value is None,
        "judgements": list(judged.raw) if judged else [],
        "judge_errors": [error for error in judged.errors if error] if judged else [],
    }


def _answer(item: Item, repeat: int, text: str, heard: list[Answer], failed: bool, error: str) -> Row:
    reasons = [answer.finish_reason for answer in heard]
    truncated = "length" in reasons
    return {
        "item_id": item.id,
        "repeat": repeat,
        "question": item.question,
        "response": text,
        "format_failure": failed,
        "truncated": truncated,
        "empty": not error and not text.strip(),
        "error": bool(error),
        "ungraded": False,
        "any_failure": bool(error) or truncated or failed,
        "error_message": error,
        "ungraded_because": "",
        "finish_reason": "length" if truncated else reasons[0],
        "response_tokens": sum(answer.tokens for answer in heard),
    }


def _verdicts(
    job: Job, benchmark: Benchmark, name: str, dataset: str, items: int, journal: Journal
) -> tuple[list[Judged], Json]:
    """Everything that a judge said of the answers of `name`, by question, whichever baseline it was compared with."""
    judgements: list[list[tuple[Json, Answer | None]]] = [[] for _ in range(items)]
    numbers: Json = {}
    for baseline in benchmark.baselines:
        found = results(job, f"{baseline}_{name}_judged-by--{JUDGE}", dataset)
        saved = found.get("details", found)  # the judge's texts alone, where counting them failed
        numbers |= (
            {key: value for key, value in found.items() if key != "details"} if saved is not found else {}
        )
        texts = [saved[key] for key in sorted((key for key in saved if key.isdecimal()), key=int)]
        if not texts or len(texts) % items:
            problem = f"{len(texts)} judgements of {items} answers to {dataset}"
            raise GeniusBenchError(unfinished(job, "eval", problem))
        for number, one in enumerate(texts):
            heard = journal.find(JUDGE, messages_of(one["origin_prompt"]))
            judgements[number % items].append((one, heard))
    return judged_items(benchmark, judgements), numbers


def _heard(journal: Journal, name: str, saved: Json) -> Answer:
    """What the server said of this answer: why it ended, how long it is, what went wrong."""
    return journal.find(name, messages_of(saved["origin_prompt"])) or Answer(finish_reason="unknown")


def messages_of(prompt: Any) -> list[Json]:
    """The messages that a prompt was sent as, from the form in which OpenCompass saves it."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [
        {"role": ROLES.get(turn["role"], turn["role"]), "content": turn.get("prompt", turn.get("content"))}
        for turn in prompt
    ]


def _numbers(dataset: str, found: Json, *, several: bool) -> dict[str, float]:
    """OpenCompass' own numbers, under the data set's name where the task has several."""
    prefix = f"{dataset}: " if several else ""
    return {
        prefix + key: float(value)
        for key, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
