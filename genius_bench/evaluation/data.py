"""The items of a task: from a local folder, from the hub at a pinned revision, or from a generator.

Rows keep the hub's columns whatever they come from, and no data set's own code is ever executed.
"""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError, first_line, json_reason
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.row_checks import check_row, check_text
from genius_bench.integrity import digest_of
from genius_bench.offline import is_offline, not_here

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

    Raises `InputError` when they cannot be had, lack a column, or hold a row that cannot be asked or graded.
    """
    split = split or card.split
    rows = load_split(card, split, folder)
    if rows is None:
        raise InputError(f"task '{card.name}': {_expected_place(card, split, folder)} is missing")
    _check_columns(card, rows)
    found = fingerprint(card, rows)
    expected = card.facts.fingerprint
    prepared = _prepared(card, enumerate(rows, 1), split)
    return Items(
        rows=prepared,
        ids=_item_ids(card, rows),
        examples=_load_examples(card, folder),
        fingerprint=found,
        changed=split == card.split
        and (card.facts.expected_items not in (None, len(rows)) or expected not in (None, found)),
    )


def fingerprint(card: TaskCard, rows: list[Row]) -> str:
    """SHA-256 over the task's columns of all rows, whatever their order."""
    return digest_of(sorted(digest_of([row[column] for column in card.facts.columns]) for row in rows))


def load_baseline(card: TaskCard, folder: str | None) -> dict[str, str]:
    """The answers that a comparison holds the checkpoint's against: item key → answer.

    Raises `InputError` when they cannot be had.
    """
    judging = card.facts.judging
    if judging is None or judging.baseline is None:
        return {}
    baseline = judging.baseline
    rows = load_split(card, baseline.split, folder, baseline.files, baseline.dataset)
    if rows is None:
        raise InputError(
            f"task '{card.name}': the answers of {baseline.name} to compare with are missing: "
            f"{_expected_place(card, baseline.split, folder)}"
        )
    if baseline.prepare:
        prepare = load_function(baseline.prepare)
        rows = [{**row, **prepare(row)} for row in rows]
    for column in (baseline.key, baseline.answer):
        if column not in rows[0]:
            raise InputError(
                f"task '{card.name}': {_expected_place(card, baseline.split, folder)} has no column '{column}'"
            )
    for number, row in enumerate(rows, 1):
        if not isinstance(row[baseline.answer], str) or row[baseline.key] is None:
            raise InputError(
                f"task '{card.name}': row {number} of split '{baseline.split}' has no text in '{baseline.answer}' or "
                f"nothing in '{baseline.key}'"
            )
    return {str(row[baseline.key]): row[baseline.answer] for row in rows}


def question_of(card: TaskCard, row: Row) -> str:
    """The item's question as text, from the columns that make it up."""
    return "\n\n".join(str(row[column]) for column in card.facts.named_by or card.facts.columns[:1])


def question_digest(text: str) -> str:
    """16 hex digits that name a question: SHA-256 of the text with single spaces."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def _item_ids(card: TaskCard, rows: list[Row]) -> list[str]:
    """The row's own `id`, else its question's digest: the same whatever the order of the file."""
    ids: list[str] = []
    seen: dict[str, int] = {}
    for row in rows:
        name = str(row.get("id") or question_digest(question_of(card, row)))
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids


def _load_examples(card: TaskCard, folder: str | None) -> list[Row]:
    """The task's solved examples (the first rows where none are named).

    None when a local folder has no such split: the score then says so.
    """
    if card.shots == 0:
        return []
    train = load_split(card, card.facts.examples_split, folder)
    if train is None:
        return []
    _check_columns(card, train)
    wanted = card.facts.examples[: card.shots]
    if not wanted:
        return _prepared(card, enumerate(train[: card.shots], 1), card.facts.examples_split)
    by_digest = {question_digest(question_of(card, row)): (n, row) for n, row in enumerate(train, 1)}
    missing = [digest for digest in wanted if digest not in by_digest]
    if missing:
        raise InputError(
            f"task '{card.name}': {len(missing)} of its {len(wanted)} solved examples are not in "
            f"{_expected_place(card, card.facts.examples_split, folder)}; that split is not the expected one"
        )
    return _prepared(card, [by_digest[digest] for digest in wanted], card.facts.examples_split)


def _prepared(card: TaskCard, numbered: Iterable[tuple[int, Row]], split: str) -> list[Row]:
    """The rows, told apart by their numbers in the split, with the columns that the prompt speaks of, each checked."""
    prepare = load_function(card.facts.prepare) if card.facts.prepare else None
    rows = []
    for number, row in numbered:
        where = f"row {number} of split '{split}'"
        try:
            row = row | prepare(row) if prepare else row
        except Exception as error:  # a cell of another kind than the function was written for
            raise InputError(f"task '{card.name}': {where} cannot be read: {first_line(error)}") from error
        check_row(card, row, where)
        rows.append(row)
    return rows


def load_function(place: str) -> Any:
    """The function that a task file names as `module:function`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def load_split(
    card: TaskCard, split: str, folder: str | None, files: tuple[str, ...] = (), dataset: str | None = None
) -> list[Row] | None:
    """None when a local folder does not have the split."""
    if card.facts.items:
        split = "evaluation" if split == card.split else split
        rows: list[Row] = load_function(card.facts.items)(
            card.name, split=split, count=card.facts.expected_items
        )
        return rows
    if folder is None:
        files = files or (card.facts.files if split == card.split else ())
        return _from_hub(card, split, files, dataset or card.config.get("dataset_path"))
    path = split_file(card, split, folder)
    return None if path is None else _read_file(path)


def split_file(card: TaskCard, split: str, folder: Path | str) -> Path | None:
    """The file of a split in a local folder, None when there is none. Raises `InputError` where there are several."""
    found = [path for suffix in SUFFIXES if (path := _directory(card, folder) / f"{split}{suffix}").exists()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise InputError(f"task '{card.name}': {found[0].parent} holds {names}: leave the one that is meant")
    return found[0] if found else None


def _directory(card: TaskCard, folder: Path | str) -> Path:
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
        with opener(path, "rt", encoding="utf-8-sig") as lines:
            return [_parse_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    except ValueError as error:  # what pyarrow raises for a file that is no Parquet
        raise InputError(f"{path} is not a Parquet file: {error}") from error


def _parse_line(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise InputError(f"{path} line {number} is not valid JSON: {json_reason(error)}") from error
    if not isinstance(row, dict):
        raise InputError(f"{path} line {number}: an object is expected, not a {type(row).__name__}")
    return row


def _from_hub(card: TaskCard, split: str, files: tuple[str, ...], path: str | None) -> list[Row]:
    import datasets

    if path is None:
        raise InputError(f"task '{card.name}' is on no hub: give its items in a local folder (--data)")
    revision = card.config.get("dataset_kwargs", {}).get("revision")
    configs = card.facts.configs or (card.config.get("dataset_name"),)
    try:
        if files:
            at = f"@{revision}" if revision else ""
            places = [f"hf://datasets/{path}{at}/{name}" for name in files]
            parts = [datasets.load_dataset("json", data_files=places, split="train")]
        else:
            parts = [datasets.load_dataset(path, name, split=split, revision=revision) for name in configs]
    except Exception as error:  # the hub client raises a dozen kinds, all meaning: not to be had
        if is_offline():
            raise not_here(f"task '{card.name}': {path}", "--data") from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"task '{card.name}': cannot load {path} from the hub ({reason}); give a local folder with --data"
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
        check_text(card, number, row)
