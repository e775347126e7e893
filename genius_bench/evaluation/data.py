"""The items of a task: from a local folder, from the hub at a pinned revision, or from a generator.

Rows keep the hub's columns whatever they come from, and no data set's own code is ever executed.
"""

import gzip
import json
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from genius_bench.artifacts import digest_of
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard

Row = dict[str, Any]
SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class Items:
    """A task's items and the solved examples shown before each of them."""

    rows: list[Row]
    ids: list[str]
    examples: list[Row]
    fingerprint: str
    changed: bool
    """Whether these are other items than the task file expects."""


def load_items(card: TaskCard, folder: str | None = None, split: str | None = None) -> Items:
    """The items of a task, of its own split unless told otherwise.

    Raises `InputError` when they cannot be had or lack a column.
    """
    split = split or card.split
    rows = _load_split(card, split, folder)
    if rows is None:
        raise InputError(f"task '{card.name}': {_expected_place(card, split, folder)} is missing")
    _check_columns(card, rows)
    found = fingerprint(card, rows)
    expected = card.facts.fingerprint
    return Items(
        rows=rows,
        ids=_item_ids(card, rows),
        examples=_load_examples(card, folder),
        fingerprint=found,
        changed=split == card.split
        and (len(rows) != card.facts.expected_items or expected not in (None, found)),
    )


def fingerprint(card: TaskCard, rows: list[Row]) -> str:
    """SHA-256 over the task's columns of all rows, whatever their order."""
    return digest_of(sorted(digest_of([row[column] for column in card.facts.columns]) for row in rows))


def question_digest(text: str) -> str:
    """16 hex digits that name a question: SHA-256 of the text with single spaces."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def _item_ids(card: TaskCard, rows: list[Row]) -> list[str]:
    """The row's own `id`, else its question's digest: the same whatever the order of the file."""
    ids: list[str] = []
    seen: dict[str, int] = {}
    for row in rows:
        name = str(row.get("id") or question_digest(str(row[card.facts.columns[0]])))
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids


def _load_examples(card: TaskCard, folder: str | None) -> list[Row]:
    """The task's solved examples; none when a local folder has no train split (the score then says so)."""
    wanted = card.facts.examples[: card.shots]
    if not wanted:
        return []
    train = _load_split(card, "train", folder)
    if train is None:
        return []
    _check_columns(card, train)
    by_digest = {question_digest(str(row[card.facts.columns[0]])): row for row in train}
    missing = [digest for digest in wanted if digest not in by_digest]
    if missing:
        raise InputError(
            f"task '{card.name}': {len(missing)} of its {len(wanted)} solved examples are not in "
            f"{_expected_place(card, 'train', folder)}; the train split there is not the expected one"
        )
    return [by_digest[digest] for digest in wanted]


def _load_split(card: TaskCard, split: str, folder: str | None) -> list[Row] | None:
    """None when a local folder does not have the split."""
    if card.facts.items:
        module, _, function = card.facts.items.partition(":")
        make = getattr(import_module(module), function)
        split = "evaluation" if split == card.split else split
        rows: list[Row] = make(card.name, split=split, count=card.facts.expected_items)
        return rows
    if folder is None:
        return _from_hub(card, split)
    directory = _directory(card, folder)
    for suffix in SUFFIXES:
        path = directory / f"{split}{suffix}"
        if path.exists():
            return _read_file(path)
    return None


def _directory(card: TaskCard, folder: str) -> Path:
    return Path(folder).expanduser() / (card.facts.folder or card.name)


def _expected_place(card: TaskCard, split: str, folder: str | None) -> str:
    if folder is None:
        return f"the split '{split}' of {card.config.get('dataset_path')}"
    return f"{_directory(card, folder) / split}.jsonl (or .jsonl.gz, .parquet)"


def _read_file(path: Path) -> list[Row]:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            table: list[Row] = pq.read_table(path).to_pylist()
            return table
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            return [_parse_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    except ValueError as error:  # what pyarrow raises for a file that is no Parquet
        raise InputError(f"{path} is not a Parquet file: {error}") from error


def _parse_line(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} line {number} is not valid JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise InputError(f"{path} line {number}: an object is expected, not a {type(row).__name__}")
    return row


def _from_hub(card: TaskCard, split: str) -> list[Row]:
    import datasets

    path = card.config["dataset_path"]
    revision = card.config.get("dataset_kwargs", {}).get("revision")
    configs = card.facts.configs or (card.config.get("dataset_name"),)
    try:
        parts = [datasets.load_dataset(path, name, split=split, revision=revision) for name in configs]
    except Exception as error:  # the hub client raises a dozen kinds, all meaning: not to be had
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"task '{card.name}': cannot load {path} from the hub ({reason}); "
            "give a local folder with evaluation.data"
        ) from error
    return [row for part in parts for row in part]


def _check_columns(card: TaskCard, rows: list[Row]) -> None:
    if not rows:
        raise InputError(f"task '{card.name}': the data has no rows")
    for number, row in enumerate(rows, 1):
        missing = [column for column in card.facts.columns if column not in row]
        if missing:
            raise InputError(
                f"task '{card.name}': row {number} has no column '{missing[0]}' (columns: {', '.join(row)})"
            )
