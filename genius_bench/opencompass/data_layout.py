"""Lays a task's items out as OpenCompass' own loaders want them, below `<folder>/data/` (its COMPASS_DATA_CACHE).

Only the items asked for are written (a limit is applied here): OpenCompass' `test_range` breaks its judged
benchmarks. Items are rows with the hub's columns, from the hub or from a local folder.
"""

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError
from genius_bench.opencompass.benchmarks import Benchmark

Row = dict[str, Any]
Baselines = Mapping[str, Mapping[str, str]]
"""Model to compare with → item key → its answer."""

LETTERS = "ABCD"
MBPP_FIRST_ITEM = 10
"""OpenCompass takes the first ten rows for training data."""
BUILDER = Path(__file__).with_name("shim") / "code_generation_lite.py"
WILDBENCH_FOLDERS = {"llama-2-70b-chat-hf": "llama2-70b", "gpt4-turbo": "gpt4", "HaiKu": "claude"}


@dataclass(frozen=True)
class Item:
    """An item as rows of scores name it, at its place in one of OpenCompass' data sets."""

    id: str
    question: str
    gold: str
    key: str = ""
    """What baselines and judges' results call it."""


Layout = dict[str, list[Item]]
"""OpenCompass' data set → its items, in its order."""


def lay_out(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], baselines: Baselines, folder: Path
) -> Layout:
    """Writes the files of a benchmark (replacing what is there) and says which item is where.

    Raises `InputError` where an item lacks something, e.g. a baseline's answer.
    """
    data = folder / "data"
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(parents=True)
    for name in benchmark.baselines:
        _check_baseline(benchmark, name, baselines)
    try:
        return WRITERS[benchmark.kind](benchmark, rows, ids, baselines, data)
    except KeyError as error:
        raise InputError(
            f"task '{benchmark.name}': OpenCompass needs the column {error} of every item"
        ) from error


def _check_baseline(benchmark: Benchmark, name: str, baselines: Baselines) -> None:
    if not baselines.get(name):
        raise InputError(
            f"task '{benchmark.name}': OpenCompass compares with {name}, whose answers are missing"
        )


def _choice(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], _: Baselines, data: Path
) -> Layout:
    return (_mmlu if benchmark.name == "mmlu" else _mmlu_pro)(rows, ids, data)


def _mmlu(rows: Sequence[Row], ids: Sequence[str], data: Path) -> Layout:
    """One CSV file a subject; the training files must exist but are not shown (zero-shot)."""
    layout: Layout = {}
    tables: dict[str, list[list[str]]] = {}
    for row, name in zip(rows, ids, strict=True):
        subject = row["subject"]
        answer = LETTERS[row["answer"]] if isinstance(row["answer"], int) else str(row["answer"])
        tables.setdefault(subject, []).append([row["question"], *map(str, row["choices"]), answer])
        layout.setdefault(f"lukaemon_mmlu_{subject}", []).append(Item(name, row["question"], answer))
    for subject, table in tables.items():
        for split, lines in (("test", table), ("dev", table[:1])):
            path = data / "mmlu" / split / f"{subject}_{split}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(lines)
    return layout


def _mmlu_pro(rows: Sequence[Row], ids: Sequence[str], data: Path) -> Layout:
    columns = ("question_id", "question", "options", "answer", "answer_index", "category")
    layout: Layout = {}
    lines = []
    for row, name in zip(rows, ids, strict=True):
        lines.append(
            {column: row[column] for column in columns} | {"cot_content": row.get("cot_content") or ""}
        )
        dataset = f"mmlu_pro_{row['category'].replace(' ', '_')}"
        layout.setdefault(dataset, []).append(Item(name, row["question"], row["answer"]))
    _write_lines(data / "mmlu_pro" / "test.jsonl", lines)
    _write_lines(data / "mmlu_pro" / "validation.jsonl", lines[:1])
    return layout


def _wikibench(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], _: Baselines, data: Path
) -> Layout:
    lines = [{"question": r["question"], "options": list(r["options"]), "answer": r["answer"]} for r in rows]
    _write_lines(data / "WikiBench" / "single_choice_cn.jsonl", lines)
    items = [Item(name, row["question"], row["answer"]) for row, name in zip(rows, ids, strict=True)]
    return {"wikibench-wiki-single_choice_cncircular": items}


def _mbpp(benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], _: Baselines, data: Path) -> Layout:
    lines = [
        {"task_id": number, "text": row["text"], "code": row["code"], "test_list": list(row["test_list"])}
        for number, row in enumerate([rows[0]] * MBPP_FIRST_ITEM + list(rows))
    ]
    _write_lines(data / "mbpp" / "mbpp.jsonl", lines)
    tests = ["\n".join(row["test_list"]) for row in rows]
    return {"mbpp": [Item(n, r["text"], test) for n, r, test in zip(ids, rows, tests, strict=True)]}


def _livecodebench(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], _: Baselines, data: Path
) -> Layout:
    """A folder of rows is not enough: OpenCompass asks for a `version_tag`, which only a builder script takes."""
    columns = ("question_id", "question_content", "starter_code", "metadata")
    folder = data / "code_generation_lite"
    lines = []
    for row in rows:
        line = {column: row[column] or "" for column in columns}
        line |= {name: row.get(name) or "[]" for name in ("public_test_cases", "private_test_cases")}
        lines.append(line | {"metadata": line["metadata"] or "{}"})
    _write_lines(folder / "test.jsonl", lines)
    shutil.copyfile(BUILDER, folder / BUILDER.name)
    items = [
        Item(n, r["question_content"], "", str(r["question_id"])) for n, r in zip(ids, rows, strict=True)
    ]
    return {"lcb_code_generation": items}


def _alpaca_eval(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], baselines: Baselines, data: Path
) -> Layout:
    folder = data / "subjective" / "alpaca_eval"
    items = [Item(n, r["instruction"], "", r["instruction"]) for n, r in zip(ids, rows, strict=True)]
    asked = [{"question": i.question, "capability": "all", "others": ""} for i in items]
    _write(folder / "alpaca_eval.json", asked)
    _write(folder / "gpt4-turbo" / "alpaca_eval.json", _answers(benchmark, items, baselines["gpt4-turbo"]))
    return {"alpaca_eval": items}


def _arena_hard(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], baselines: Baselines, data: Path
) -> Layout:
    folder = data / "subjective" / "arena_hard"
    questions = [row["turns"][0]["content"] for row in rows]
    items = [
        Item(name, question, "", str(row["question_id"]))
        for name, question, row in zip(ids, questions, rows, strict=True)
    ]
    lines = [
        {"question_id": item.key, "cluster": "all", "turns": [{"content": item.question}]} for item in items
    ]
    _write_lines(folder / "arenahard.jsonl", lines)
    _write(folder / "arenahard.json", _answers(benchmark, items, baselines["gpt4-0314"]))
    return {"arenahard": items}


def _wildbench(
    benchmark: Benchmark, rows: Sequence[Row], ids: Sequence[str], baselines: Baselines, data: Path
) -> Layout:
    folder = data / "subjective" / "WildBench"
    items, lines = [], []
    for row, name in zip(rows, ids, strict=True):
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in row["conversation_input"]]
        items.append(Item(name, turns[-1]["content"], "", str(row["session_id"])))
        tags = row.get("secondary_tags", row.get("secondary_tag")) or []
        lines.append(
            {
                "session_id": str(row["session_id"]),
                "turn": turns,
                "checklist": list(row["checklist"]),
                "primary_tag": row["primary_tag"],
                "secondary_tag": list(tags),
            }
        )
    _write_lines(folder / "wildbench.jsonl", lines)
    for name, place in WILDBENCH_FOLDERS.items():
        _write(folder / place / "wildbench.json", _answers(benchmark, items, baselines[name]))
    return {"wildbench": items}


def _answers(benchmark: Benchmark, items: list[Item], answers: Mapping[str, str]) -> Any:
    """A baseline's answers in the form of OpenCompass' own predictions."""
    missing = [item.key for item in items if item.key not in answers]
    if missing:
        raise InputError(
            f"task '{benchmark.name}': the baseline has no answer to {len(missing)} of {len(items)} items "
            f"(first: '{missing[0][:80]}')"
        )
    return {str(number): {"prediction": answers[item.key]} for number, item in enumerate(items)}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _write_lines(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


Writer = Callable[[Benchmark, Sequence[Row], Sequence[str], Baselines, Path], Layout]
WRITERS: dict[str, Writer] = {
    "choice": _choice,
    "circular": _wikibench,
    "mbpp": _mbpp,
    "livecodebench": _livecodebench,
    "alpaca_eval": _alpaca_eval,
    "arena_hard": _arena_hard,
    "wildbench": _wildbench,
}
